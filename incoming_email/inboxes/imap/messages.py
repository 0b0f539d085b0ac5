"""What an IMAP server holds of its messages: sizes, then bytes, and which it can't hand over."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from incoming_email.inboxes.base import InboxError, RawMessage
from incoming_email.inboxes.batches import split_batches
from incoming_email.inboxes.imap.position import Backfill, Progress
from incoming_email.inboxes.imap.session import ImapSession
from incoming_email.inboxes.limits import HEADER_BYTES
from incoming_email.inboxes.scanning import SCANNING, is_being_scanned
from incoming_email.inboxes.trouble import Trouble

NO_SIZE = "the server does not say how large the message is"
NO_CONTENT = "the server gives no content for the message"


@dataclass(frozen=True, slots=True)
class Sized:
    uid: int
    size: int = 0
    fault: str = ""
    """Why the size is not known."""


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Of one reading of the folder. Raises InboxError where the server fails, not a message."""

    session: ImapSession
    progress: Progress | Backfill
    trouble: Trouble
    id_prefix: str
    as_they_are: frozenset[str] = frozenset()
    """Source ids: those are given though a virus scanner still holds files back."""

    def find_sizes(self, uids: list[int]) -> list[Sized]:
        """Of those that are still there and not too old."""
        sizes, old, unknown = [], [], []
        for uid, said in self._ask_sizes(uids).items():
            if isinstance(said, InboxError):
                sizes.append(Sized(uid, fault=said.detail))
                continue
            size = said.get(b"RFC822.SIZE")
            if not isinstance(size, int):
                unknown.append(uid)
            elif self._is_old(uid, said.get(b"INTERNALDATE")):
                old.append(uid)
            else:
                sizes.append(Sized(uid, size))
        self.progress.acknowledge(old)
        left = self._find_left(unknown)
        return [*sizes, *(Sized(uid, fault=NO_SIZE) for uid in unknown if uid in left)]

    def _ask_sizes(self, uids: list[int]) -> Mapping[int, Mapping[bytes, object] | InboxError]:
        """What the server says of each. All at once; if that breaks, one by one, as many as the
        time allows."""
        by_date = any(map(self.progress.find_earliest, uids))
        items = ["RFC822.SIZE"] + ["INTERNALDATE"] * by_date
        try:
            with self.session.errors():
                answer = self.session.connection.fetch(uids, items)
                return {uid: answer.get(uid, {}) for uid in uids}
        except InboxError:
            self.session.recover()
        said: dict[int, Mapping[bytes, object] | InboxError] = {}
        for uid in uids:
            if self.trouble.is_too_much:
                break
            try:
                with self.trouble.reading_one(), self.session.errors():
                    said[uid] = self.session.connection.fetch([uid], items).get(uid, {})
            except InboxError as fault:
                self.session.recover()
                said[uid] = fault
        return said

    def _find_left(self, uids: list[int]) -> set[int]:
        """Which of these the folder still has; the others were removed since the search."""
        if not uids:
            return set()
        with self.session.errors():
            left = self.session.connection.find_left(uids)
        for uid in uids:
            if uid not in left:
                self.progress.skip(uid)  # the next search shows it
        return left

    def _is_old(self, uid: int, came_at: object) -> bool:
        earliest = self.progress.find_earliest(uid)
        if earliest is None:
            return False
        if not isinstance(came_at, datetime):
            # Without a date, what people have read is left alone and what is unread is wanted.
            return self.progress.is_read_before(uid)
        return came_at < earliest

    def split(self, waiting: Iterable[Sized]) -> Iterator[list[Sized]]:
        return split_batches(
            waiting,
            lambda each: HEADER_BYTES if self._is_oversize(each) else each.size,
            count=self.session.account.batch_count,
            size=self.session.account.batch_bytes,
        )

    def _is_oversize(self, message: Sized) -> bool:
        return message.size > self.session.account.max_message_bytes

    def read(self, batch: list[Sized]) -> Iterator[list[RawMessage]]:
        """One FETCH for all; if that breaks, one by one on a new connection.

        What was read until then is given with each fault, so that it is stored whatever comes.
        """
        messages = [self._with_fault(each.uid, each.fault) for each in batch if each.fault]
        sound = [each for each in batch if not each.fault]
        try:
            messages += self._fetch(sound)
            sound = []
        except InboxError:
            self.session.recover()
        for each in sound:
            try:
                with self.trouble.reading_one():
                    messages += self._fetch([each])
            except InboxError as fault:
                self.session.recover()
                yield [*messages, self._with_fault(each.uid, fault.detail)]
                messages = []
                self.trouble.end_if_too_much()
        if messages:
            given = [messages]
            del messages
            yield given.pop()  # what waits here for the next batch holds none of this one's bytes

    def _fetch(self, batch: list[Sized]) -> list[RawMessage]:
        large = [each.uid for each in batch if self._is_oversize(each)]
        whole = [each.uid for each in batch if not self._is_oversize(each)]
        size = sum(each.size for each in batch if not self._is_oversize(each))
        header = f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>"
        fetch = self.session.connection.fetch_content
        with self.session.errors():
            answer = fetch(whole, "BODY.PEEK[]", size=size)
            answer |= fetch(large, header, size=HEADER_BYTES * len(large))
        messages, empty = [], []
        for each in batch:
            oversize = self._is_oversize(each)
            key = b"BODY[HEADER]<0>" if oversize else b"BODY[]"
            content = answer.get(each.uid, {}).get(key)
            if not isinstance(content, bytes) or (each.size and not content):
                # Gone, or one of the servers that answer NIL (zammad#4589): no empty mail of it.
                empty.append(each.uid)
            else:
                messages.append(self._give(each.uid, content, oversize=oversize))
        left = self._find_left(empty)
        return messages + [self._with_fault(uid, NO_CONTENT) for uid in empty if uid in left]

    def _give(self, uid: int, content: bytes, *, oversize: bool) -> RawMessage:
        source_id = f"{self.id_prefix}{uid}"
        if source_id not in self.as_they_are and is_being_scanned(content):
            return self._with_fault(uid, SCANNING)
        return RawMessage(source_id, content, oversize=oversize)

    def _with_fault(self, uid: int, fault: str) -> RawMessage:
        detail = f"UID {uid} of the folder {self.session.account.folder}: {fault}"
        return RawMessage(f"{self.id_prefix}{uid}", b"", fault=detail)
