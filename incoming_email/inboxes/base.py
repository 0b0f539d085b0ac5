"""What every inbox provides: raw messages in batches, and a way to acknowledge them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RawMessage:
    source_id: str
    """Permanent name of the message within its mailbox: '<folder digest>:UIDVALIDITY:UID' by
    IMAP."""

    content: bytes
    """The bytes as the server holds them; the header block alone where `oversize`."""

    recipient: str = ""
    """Envelope recipient, where the inbox knows it."""

    oversize: bool = False
    """The message is larger than the account's limit, so only its header was read."""

    fault: str = ""
    """Why the server does not hand the message over, in its own words; there are no bytes then."""

    is_gone: bool = False
    """With a fault: the message is no longer in the folder, so it can't be tried again."""

    is_urgent: bool = False
    """Its recipient has a secret key that we gave out: it is acted on before mail of strangers."""

    peer: str = ""
    """IP address of who handed it to our listener; empty where it did not come that way."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Messages that the server did not hand over before, by their source ids."""

    due: tuple[str, ...] = ()
    """To be tried again now."""

    later: frozenset[str] = frozenset()
    """To be passed over for now; all that are known and not due."""

    as_they_are: frozenset[str] = frozenset()
    """Of those that are due: they waited long enough for a virus scanner."""


NO_RETRIES = Retries()


def gettext_noop(sentence: str) -> str:
    """Marks a sentence of ours for the catalogue; whoever shows it to people translates it."""
    return sentence


class InboxError(Exception):
    """The inbox can't be used now. `detail` has the server's message, `remedy` what to do.

    `retry_after`: seconds during which the server must not be asked again.
    """

    def __init__(self, detail: str, *, remedy: str = "", retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.retry_after = retry_after


class Inbox(Protocol):
    """An open connection to one folder."""

    @property
    def position(self) -> str | None:
        """Opaque position up to which all is acknowledged; passed to the next opening. None: the
        stored one stays."""
        ...

    @property
    def resynchronised(self) -> bool:
        """Whether known messages may have new names, so that they must be compared by content."""
        ...

    @property
    def notice(self) -> str:
        """What the server reports to people, such as that the quota is used up."""
        ...

    def unread(self, retries: Retries = NO_RETRIES) -> Iterator[Sequence[RawMessage]]:
        """Batches of what is waiting, oldest first. Nothing is marked on the server by reading.

        A message that the server does not hand over is given with its `fault`, and the others are
        read on. Raises InboxError where the server fails, not a message.
        """
        ...

    def count_waiting(self) -> int:
        """How many messages `unread` would give now."""
        ...

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        """Mark these messages on the server; they are stored on our side. Those with a fault are
        known to us and not marked."""
        ...

    def wait(self, seconds: float) -> bool:
        """Block until mail may have come (True) or the time is over (False)."""
        ...

    def close(self) -> None:
        """Disconnect; the inbox is not used afterwards."""
        ...


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    WARN = "warn"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check: what was tried, how it went, the cause, what to do."""

    step: str
    answer: Answer
    detail: str = ""
    remedy: str = ""
