"""Reads a JMAP mailbox that always holds one message, until that is acknowledged."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from incoming_email.inboxes.jmap.account import JmapAccount

from incoming_email.inboxes.base import NO_RETRIES, InboxError, RawMessage, Retries
from incoming_email.inboxes.folders import parse_position, write_position

READ = "state-1"
CONTENT = b"From: ada@example.com\r\nTo: in@example.com\r\nSubject: hello\r\n\r\nHello\r\n"


class JmapInbox:
    resynchronised = False
    notice = ""

    def __init__(
        self, account: JmapAccount, position: str = "", *, since: datetime | None = None
    ) -> None:
        if account.host != "jmap.example.com":
            raise InboxError("no such host", remedy="Check the host.")
        self._account = account
        is_read = parse_position(account, position) == READ
        self._waiting = [] if is_read else [RawMessage("jmap-1", CONTENT)]

    @property
    def position(self) -> str | None:
        return write_position(self._account, "" if self._waiting else READ)

    def unread(self, retries: Retries = NO_RETRIES) -> Iterator[Sequence[RawMessage]]:
        if self._waiting:
            yield list(self._waiting)

    def count_waiting(self) -> int:
        return len(self._waiting)

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        self._waiting = []

    def wait(self, seconds: float) -> bool:
        return False

    def close(self) -> None:
        self._waiting = []
