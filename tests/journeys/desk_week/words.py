"""What was said in a week, by whom, and who outside may read it: each text has its own word."""

import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formataddr

WORD = re.compile(r"word\d{5}")


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    is_proven: bool = True
    """Their mail server authenticates what they send."""

    @property
    def mailbox(self) -> str:
        return formataddr((self.name, self.email))


@dataclass
class Said:
    word: str
    author: str
    """The address of somebody outside, or the user name of an agent."""

    is_question: bool
    is_internal: bool
    readers: set[str] = field(default_factory=set)
    """Addresses outside to which Letterbox may bring it."""

    is_refused: bool = False
    """At RCPT: the sender's own server tells them."""


@dataclass
class Thread:
    """A conversation, which the desk should make one ticket of."""

    asker: Person
    subject: str
    people: set[str]
    """Addresses outside that take part."""

    said: list[Said] = field(default_factory=list)
    sent: list[EmailMessage] = field(default_factory=list)
    """By customers, oldest first."""

    issue_id: int | None = None
    is_open_to_all: bool = True
    """Until somebody left, of whom the next words are kept away."""

    def join(self, address: str) -> None:
        """By mail of a participant: who joins reads what comes now."""
        self.people.add(address)


class Journal:
    """All that was said, in order."""

    def __init__(self) -> None:
        self.threads: list[Thread] = []
        self.said: dict[str, Said] = {}

    def say(
        self, thread: Thread, author: str, *, question: bool = False, internal: bool = False
    ) -> Said:
        said = Said(f"word{len(self.said):05}", author, question, internal)
        if not internal:
            said.readers = set(thread.people)
        self.said[said.word] = said
        thread.said.append(said)
        return said


def words_in(text: str) -> set[str]:
    return set(WORD.findall(text))


def texts_of(message: EmailMessage) -> str:
    """All that a person can read of it, subject and names too."""
    head = " ".join(str(message[name]) for name in ("Subject", "From", "To", "Cc"))
    parts = [p for p in message.walk() if p.get_content_maintype() == "text"]
    return "\n".join([head, *(p.get_content() for p in parts)])


def own_lines(message: EmailMessage) -> str:
    """Of the plain text, without what it quotes."""
    body = message.get_body(("plain",))
    lines = body.get_content().splitlines() if body else []
    return "\n".join(line for line in lines if not line.startswith(">"))
