"""Reads an IMAP folder (RFC 3501) by UID; messages are marked once stored on our side."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from imapclient import DELETED, SEEN

from incoming_email.inboxes.base import InboxError, RawMessage
from incoming_email.inboxes.batches import split_batches
from incoming_email.inboxes.folders import write_position
from incoming_email.inboxes.imap.account import ImapAccount, folder_digest
from incoming_email.inboxes.imap.connection import ImapConnection, open_connection, select_folder
from incoming_email.inboxes.imap.faults import inbox_errors
from incoming_email.inboxes.imap.login import log_in
from incoming_email.inboxes.imap.position import Backfill, Folder, Progress
from incoming_email.inboxes.imap.starting import start_progress
from incoming_email.inboxes.imap.wire import CHANGE_LINE
from incoming_email.inboxes.limits import HEADER_BYTES

logger = logging.getLogger(__name__)

UIDS_PER_COMMAND = 500
"""Keeps command lines below the 8,000 bytes that servers must take (RFC 7162, section 4)."""

MAX_BROKEN = 3
"""Messages that break the connection are skipped, at most this many per reading."""

IDLE_LIMIT_SECONDS = 28 * 60
"""RFC 2177: servers may log out a client that idles for 29 minutes."""

NOOP_SECONDS = 5.0
"""Pause between two polls of a server without IDLE."""

COUNTS = frozenset({b"EXISTS", b"RECENT"})


@dataclass(frozen=True, slots=True)
class Sized:
    uid: int
    size: int


class ImapInbox:
    """An open, logged-in connection to one folder. Every fault comes out as InboxError."""

    def __init__(
        self, account: ImapAccount, position: str = "", *, since: datetime | None = None
    ) -> None:
        self._account = account
        self._connection, self._folder = self._open()
        self._progress = self._begin(position, since)
        self._id_prefix = f"{folder_digest(account)}:{self._folder.validity}:"
        self._last_counts: dict[bytes, int] = {}
        self._is_news(self._connection.find_notices())
        self._idles = True
        self._faulty = False
        self._broken = 0

    @property
    def position(self) -> str | None:
        position = self._progress.position
        return None if position is None else write_position(self._account, position)

    @property
    def resynchronised(self) -> bool:
        return self._progress.resynchronised

    @property
    def notice(self) -> str:
        return " ".join(self._connection.find_alerts())

    def close(self) -> None:
        self._connection.leave(politely=not self._faulty)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with inbox_errors(self._account):
                yield
        except InboxError:
            # What comes next on this connection may be the rest of an answer: no LOGOUT on it.
            self._faulty = True
            raise

    def _open(self) -> tuple[ImapConnection, Folder]:
        connection = open_connection(self._account)
        try:
            log_in(connection, self._account)
            return connection, select_folder(connection, self._account)
        except InboxError:
            connection.leave(politely=False)
            raise

    def _begin(self, position: str, since: datetime | None) -> Progress | Backfill:
        if since is not None:
            return Backfill(since)
        try:
            return start_progress(self._connection, self._account, self._folder, position)
        except InboxError:
            self._connection.leave(politely=False)
            raise

    def _reopen(self) -> None:
        """A new connection to the same folder; raises if the server gave out new UIDs meanwhile."""
        self._connection.leave(politely=False)
        self._connection, folder = self._open()
        self._faulty = False
        if folder.validity != self._folder.validity:
            raise InboxError(
                "the server gave the folder new ids (UIDVALIDITY) during the reading",
                remedy="Nothing to do: it is read anew at the next opening.",
            )

    def unread(self) -> Iterator[Sequence[RawMessage]]:
        """Batches of what is waiting, oldest first.

        A message that can't be read is left for another time and does not stop those behind it.
        """
        self._broken = 0
        uids = self._search()
        for start in range(0, len(uids), UIDS_PER_COMMAND):
            for batch in self._batches(self._sizes(uids[start : start + UIDS_PER_COMMAND])):
                messages = self._read(batch)
                if messages:
                    yield messages

    def count_waiting(self) -> int:
        uids = self._search()
        chunks = range(0, len(uids), UIDS_PER_COMMAND)
        return sum(len(self._sizes(uids[start : start + UIDS_PER_COMMAND])) for start in chunks)

    def _search(self) -> list[int]:
        progress, now = self._progress, datetime.now(UTC)
        with self._errors():
            self._connection.forget_notices()
            found = set(self._connection.search_uids(progress.criteria))
            dated = set()
            if progress.dated_criteria:
                dated = set(self._connection.search_uids(progress.dated_criteria)) - found
        uids = sorted(found | dated)
        progress.found(uids, dated, searched_at=now)
        return uids

    def _sizes(self, uids: list[int]) -> list[Sized]:
        """Of those that are still there and not too old."""
        by_date = any(map(self._progress.find_earliest, uids))
        items = ["RFC822.SIZE"] + ["INTERNALDATE"] * by_date
        with self._errors():
            answer = self._connection.fetch(uids, items)
        sizes, old = [], []
        for uid in uids:
            values = answer.get(uid, {})
            size = values.get(b"RFC822.SIZE")
            if not isinstance(size, int):  # expunged in between; the next search shows it
                self._progress.skip(uid)
            elif self._is_old(uid, values.get(b"INTERNALDATE")):
                old.append(uid)
            else:
                sizes.append(Sized(uid, size))
        self._progress.acknowledge(old)
        return sizes

    def _is_old(self, uid: int, came_at: object) -> bool:
        earliest = self._progress.find_earliest(uid)
        if earliest is None:
            return False
        if not isinstance(came_at, datetime):
            # Without a date, what people have read is left alone and what is unread is wanted.
            return self._progress.is_read_before(uid)
        return came_at < earliest

    def _batches(self, waiting: list[Sized]) -> Iterator[list[Sized]]:
        return split_batches(
            waiting,
            lambda each: HEADER_BYTES if self._is_oversize(each) else each.size,
            count=self._account.batch_count,
            size=self._account.batch_bytes,
        )

    def _is_oversize(self, message: Sized) -> bool:
        return message.size > self._account.max_message_bytes

    def _read(self, batch: list[Sized]) -> list[RawMessage]:
        """One FETCH for all; if that breaks, one by one on a new connection."""
        try:
            return self._fetch(batch)
        except InboxError:
            self._reopen()
        messages = []
        for message in batch:
            try:
                messages += self._fetch([message])
            except InboxError as fault:
                self._broken += 1
                if self._broken > MAX_BROKEN:
                    raise
                self._leave(message.uid, fault.detail)
                self._reopen()
        return messages

    def _fetch(self, batch: list[Sized]) -> list[RawMessage]:
        large = [message.uid for message in batch if self._is_oversize(message)]
        whole = [message.uid for message in batch if not self._is_oversize(message)]
        with self._errors():
            answer = self._connection.fetch(whole, ["BODY.PEEK[]"])
            answer |= self._connection.fetch(large, [f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>"])
        messages = []
        for message in batch:
            oversize = self._is_oversize(message)
            key = b"BODY[HEADER]<0>" if oversize else b"BODY[]"
            content = answer.get(message.uid, {}).get(key)
            if not isinstance(content, bytes) or (message.size and not content):
                # Gone, or one of the servers that answer NIL (zammad#4589): no empty mail of it.
                self._leave(message.uid, "no content")
                continue
            source_id = f"{self._id_prefix}{message.uid}"
            messages.append(RawMessage(source_id, content, oversize=oversize))
        return messages

    def _leave(self, uid: int, reason: str) -> None:
        """Skip the message until the next reading; the mark stays below it."""
        logger.warning("message skipped source_id=%s%s reason=%s", self._id_prefix, uid, reason)
        self._progress.skip(uid)

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        """Marks them as read, or deletes them where the account says so, but never an oversize
        one, of which we have the header only. Raises InboxError."""
        account = self._account
        large = self._uids(message for message in messages if message.oversize)
        whole = self._uids(message for message in messages if not message.oversize)
        if not account.delete_after_delivery:
            large, whole = sorted([*large, *whole]), []
        self._store(large, [SEEN])
        self._store(whole, [SEEN, DELETED])
        if account.expunge_deleted and whole:
            self._expunge(whole)
        self._progress.acknowledge([*large, *whole])

    def _uids(self, messages: Iterator[RawMessage]) -> list[int]:
        uids = []
        for message in messages:
            prefix, _, uid = message.source_id.rpartition(":")
            if f"{prefix}:" != self._id_prefix:
                raise InboxError(f"the message {message.source_id} is not of this folder")
            uids.append(int(uid))
        return uids

    def _store(self, uids: list[int], flags: list[bytes]) -> None:
        with self._errors():
            for start in range(0, len(uids), UIDS_PER_COMMAND):
                some = uids[start : start + UIDS_PER_COMMAND]
                self._connection.add_flags(some, flags, silent=True)

    def _expunge(self, uids: list[int]) -> None:
        """UID EXPUNGE of these only (RFC 4315); a plain EXPUNGE would hit the mail of others."""
        with self._errors():
            if not self._connection.has_capability("UIDPLUS"):
                return
            for start in range(0, len(uids), UIDS_PER_COMMAND):
                self._connection.uid_expunge(uids[start : start + UIDS_PER_COMMAND])

    def wait(self, seconds: float) -> bool:
        """Block until mail may have come (True) or the time is over (False)."""
        end = time.monotonic() + seconds
        with self._errors():
            notices = self._connection.find_notices()
            self._connection.forget_notices()
            if self._is_news(notices):
                return True
            while (left := end - time.monotonic()) > 0:
                if self._is_news(self._listen(left)):
                    return True
        return False

    def _listen(self, left: float) -> list[bytes]:
        """One IDLE; on a server without, one NOOP and a pause."""
        if self._idles and self._connection.has_capability("IDLE"):
            pause = min(left, self._account.idle_timeout, IDLE_LIMIT_SECONDS)
            lines = self._connection.idle_lines(pause)
            if lines is not None:
                return lines
            self._idles = False
        lines = self._connection.noop_lines()
        if not lines:
            time.sleep(min(left, NOOP_SECONDS))
        return lines

    def _is_news(self, lines: list[bytes]) -> bool:
        """Whether a line announces a change; some servers repeat the same EXISTS each time."""
        news = False
        for match in filter(None, map(CHANGE_LINE.match, lines)):
            kind = (match[2] or b"").upper()
            if kind not in COUNTS:
                self._last_counts.clear()
                news = True
            elif self._last_counts.get(kind) != int(match[1]):
                self._last_counts[kind] = int(match[1])
                news = True
        return news
