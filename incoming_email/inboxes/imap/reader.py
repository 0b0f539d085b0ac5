"""Reads an IMAP folder (RFC 3501) by UID; messages are marked once stored on our side."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from imapclient import DELETED, SEEN

from incoming_email.inboxes.base import NO_RETRIES, InboxError, RawMessage, Retries
from incoming_email.inboxes.folders import write_position
from incoming_email.inboxes.imap.account import ImapAccount, folder_digest
from incoming_email.inboxes.imap.messages import MessageReader
from incoming_email.inboxes.imap.position import Backfill, Progress
from incoming_email.inboxes.imap.session import ImapSession
from incoming_email.inboxes.imap.starting import start_progress
from incoming_email.inboxes.imap.waiting import Listener
from incoming_email.inboxes.trouble import Trouble

UIDS_PER_COMMAND = 500
"""Keeps command lines below the 8,000 bytes that servers must take (RFC 7162, section 4)."""

GONE = "the message is no longer in the folder"


class ImapInbox:
    """An open, logged-in connection to one folder. Every fault comes out as InboxError."""

    def __init__(
        self, account: ImapAccount, position: str = "", *, since: datetime | None = None
    ) -> None:
        self._account = account
        self._session = ImapSession(account)
        self._progress = self._begin(position, since)
        self._id_prefix = f"{folder_digest(account)}:{self._session.folder.validity}:"
        self._listener = Listener(self._session)

    @property
    def position(self) -> str | None:
        position = self._progress.position
        return None if position is None else write_position(self._account, position)

    @property
    def resynchronised(self) -> bool:
        return self._progress.resynchronised

    @property
    def notice(self) -> str:
        return " ".join(self._session.connection.find_alerts())

    def close(self) -> None:
        self._session.close()

    def _begin(self, position: str, since: datetime | None) -> Progress | Backfill:
        session = self._session
        progress: Progress | Backfill
        try:
            if since is None:
                folder = session.folder
                progress = start_progress(session.connection, self._account, folder, position)
            else:
                progress = Backfill(since)
        except InboxError:
            session.connection.leave(politely=False)
            raise
        session.is_opened()
        return progress

    def unread(self, retries: Retries = NO_RETRIES) -> Iterator[Sequence[RawMessage]]:
        """Batches of what is waiting, oldest first; what is tried again comes last, one by one.

        A message that the server can't hand over is given with its fault, and those behind it are
        read. Raises InboxError where that happens again and again, or takes too long: what was
        given with its fault until then is known, so the next reading comes further.
        """
        reader = self._make_reader(retries)
        due, later = self._find_uids(retries.due), self._find_uids(retries.later)
        self._progress.ask_for(due)
        found = self._search()
        self._progress.acknowledge(later.keys() & set(found))  # we know of them
        fresh = [uid for uid in found if uid not in due and uid not in later]
        for start in range(0, len(fresh), UIDS_PER_COMMAND):
            for batch in reader.split(reader.find_sizes(fresh[start : start + UIDS_PER_COMMAND])):
                yield from reader.read(batch)
                reader.trouble.end_if_too_much()
        yield from self._read_again(reader, retries.due, set(found))

    def _make_reader(self, retries: Retries = NO_RETRIES) -> MessageReader:
        trouble = Trouble(self._account.timeout)
        return MessageReader(
            self._session, self._progress, trouble, self._id_prefix, retries.as_they_are
        )

    def _find_uids(self, source_ids: Iterable[str]) -> dict[int, str]:
        """Those of this folder, as long as it has these UIDs."""
        ours = (each for each in source_ids if each.startswith(self._id_prefix))
        uids = ((each.removeprefix(self._id_prefix), each) for each in ours)
        return {int(uid): each for uid, each in uids if uid.isdecimal()}

    def _read_again(
        self, reader: MessageReader, due: Sequence[str], found: set[int]
    ) -> Iterator[Sequence[RawMessage]]:
        names = self._find_uids(due)
        gone = [each for each in due if each not in names.values()]  # of other UIDs or folders
        for uid, source_id in names.items():
            sizes = reader.find_sizes([uid]) if uid in found else []
            if not sizes:
                gone.append(source_id)
                continue
            yield from reader.read(sizes)
            reader.trouble.end_if_too_much()
        if gone:
            yield [RawMessage(each, b"", fault=GONE, is_gone=True) for each in gone]

    def count_waiting(self) -> int:
        uids, reader = self._search(), self._make_reader()
        chunks = range(0, len(uids), UIDS_PER_COMMAND)
        found = (reader.find_sizes(uids[start : start + UIDS_PER_COMMAND]) for start in chunks)
        return sum(map(len, found))

    def _search(self) -> list[int]:
        progress, now = self._progress, datetime.now(UTC)
        with self._session.errors():
            connection = self._session.connection
            connection.forget_notices()
            found = set(connection.search_uids(progress.criteria))
            dated = set()
            if progress.dated_criteria:
                dated = set(connection.search_uids(progress.dated_criteria)) - found
        uids = sorted(found | dated)
        progress.found(uids, dated, searched_at=now)
        return uids

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        """Marks them as read, or deletes them where the account says so, but never an oversize
        one, of which we have the header only. Those with a fault are not marked: the ledger
        names them from now on. Raises InboxError."""
        account = self._account
        known = self._find_uids(each.source_id for each in messages if each.fault)
        self._progress.acknowledge(known)
        read = [message for message in messages if not message.fault]
        large = self._uids(message for message in read if message.oversize)
        whole = self._uids(message for message in read if not message.oversize)
        if not account.delete_after_delivery:
            large, whole = sorted([*large, *whole]), []
        self._store(large, [SEEN])
        self._store(whole, [SEEN, DELETED])
        if account.expunge_deleted and whole:
            self._expunge(whole)
        self._progress.acknowledge([*large, *whole])

    def _uids(self, messages: Iterable[RawMessage]) -> list[int]:
        uids = []
        for message in messages:
            prefix, _, uid = message.source_id.rpartition(":")
            if f"{prefix}:" != self._id_prefix:
                raise InboxError(f"the message {message.source_id} is not of this folder")
            uids.append(int(uid))
        return uids

    def _store(self, uids: list[int], flags: list[bytes]) -> None:
        with self._session.errors():
            for start in range(0, len(uids), UIDS_PER_COMMAND):
                some = uids[start : start + UIDS_PER_COMMAND]
                self._session.connection.add_flags(some, flags, silent=True)

    def _expunge(self, uids: list[int]) -> None:
        """UID EXPUNGE of these only (RFC 4315); a plain EXPUNGE would hit the mail of others."""
        with self._session.errors():
            if not self._session.connection.has_capability("UIDPLUS"):
                return
            for start in range(0, len(uids), UIDS_PER_COMMAND):
                self._session.connection.uid_expunge(uids[start : start + UIDS_PER_COMMAND])

    def wait(self, seconds: float) -> bool:
        """Block until mail may have come (True) or the time is over (False)."""
        return self._listener.wait(seconds)
