"""What every inbox gives: raw messages in batches, and a way to say 'kept'."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RawMessage:
    source_id: str
    """Names the message within its mailbox for good: '<folder digest>:UIDVALIDITY:UID' by IMAP."""

    content: bytes
    """The bytes as the server holds them; the header block alone where `oversize`."""

    recipient: str = ""
    """Envelope recipient, where the inbox knows it."""

    oversize: bool = False
    """The message is larger than the account's limit, so only its header was read."""


def gettext_noop(sentence: str) -> str:
    """Marks a sentence of ours for the catalogue; whoever shows it to people translates it."""
    return sentence


class InboxError(Exception):
    """The inbox can't be used now. `detail` has the server's own words, `remedy` what to do.

    `retry_after`: seconds that the server wants to be left alone.
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
        """Opaque mark up to where all is acknowledged; given back at the next opening.

        None: the one that is kept stays.
        """
        ...

    @property
    def resynchronised(self) -> bool:
        """Known messages may come under other names, so their bytes tell."""
        ...

    @property
    def notice(self) -> str:
        """What the server wants people to read, such as that the quota is used up."""
        ...

    def unread(self) -> Iterator[Sequence[RawMessage]]:
        """Batches of what is waiting, oldest first. Nothing is marked on the server by reading."""
        ...

    def count_waiting(self) -> int:
        """How many messages `unread` would give now."""
        ...

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        """Tell the server that these messages are safely stored on our side."""
        ...

    def wait(self, seconds: float) -> bool:
        """Block until mail may have come (True) or the time is over (False)."""
        ...

    def close(self) -> None:
        """Leave; the inbox is not used afterwards."""
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
