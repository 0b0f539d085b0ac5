"""What every inbox gives: raw messages in batches, and a way to say 'kept'."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RawMessage:
    source_id: str
    """Names the message within its mailbox for good: '<folder digest>:UIDVALIDITY:UID'."""

    content: bytes
    """The bytes as the server holds them; the header block alone where `oversize`."""

    recipient: str = ""
    """Envelope recipient, where the inbox knows it."""

    oversize: bool = False
    """The message is larger than the account's limit, so only its header was read."""


class InboxError(Exception):
    """The inbox can't be used now. `detail` has the server's own words, `remedy` what to do."""

    def __init__(self, detail: str, *, remedy: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


class Inbox(Protocol):
    """An open connection to one folder."""

    @property
    def position(self) -> str:
        """Opaque mark up to where all is acknowledged; given back at the next opening."""
        ...

    @property
    def resynchronised(self) -> bool:
        """The server gave the folder new ids: known messages may come under other names."""
        ...

    def unread(self) -> Iterator[Sequence[RawMessage]]:
        """Batches of what is waiting, oldest first. Nothing is marked on the server by reading."""
        ...

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        """Tell the server that these messages are safely stored on our side."""
        ...

    def wait(self, seconds: float) -> bool:
        """Block until mail may have come (True) or the time is over (False)."""
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
