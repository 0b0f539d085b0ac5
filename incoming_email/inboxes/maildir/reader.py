"""Mail out of a Maildir: a folder of this machine that a mail server delivers into.

A message is a file, delivered by a rename into `new`; its name up to the colon never changes, and
the letters behind `:2,` are its flags (https://cr.yp.to/proto/maildir.html).
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from incoming_email.inboxes.base import NO_RETRIES, InboxError, RawMessage, Retries
from incoming_email.inboxes.batches import split_batches
from incoming_email.inboxes.folders import parse_position, write_position
from incoming_email.inboxes.limits import HEADER_BYTES, cut_header
from incoming_email.inboxes.maildir.account import MaildirFolder

FOLDERS = ("new", "cur")
FLAGS_MARK = ":2,"
SEEN = "S"
TRASHED = "T"
MAX_SOURCE_ID = 200
GONE = "the message is no longer in the Maildir"
LOOK_SECONDS = 1.0
UNSETTLED_SECONDS = 2.0
"""A folder changed so recently may change again within the same tick of the file system's clock."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message's file, as it was found."""

    folder: str
    name: str
    size: int
    delivered_ns: int

    @property
    def unique(self) -> str:
        return self.name.partition(":")[0]

    @property
    def flags(self) -> str:
        return self.name.partition(FLAGS_MARK)[2]

    def is_before(self, moment: datetime) -> bool:
        return self.delivered_ns < moment.timestamp() * 1e9


class MaildirInbox:
    """One Maildir. Every fault of the disk comes out as InboxError."""

    notice = ""

    def __init__(
        self, account: MaildirFolder, position: str = "", *, since: datetime | None = None
    ) -> None:
        self._account = account
        self._path = Path(account.path)
        self._since = since
        # Messages delivered after this time are ingested even if a mail program marked them as
        # seen.
        own = parse_position(account, position)
        self._mark = int(own) if own.isdecimal() else time.time_ns()
        self._given: dict[str, Delivered] = {}
        self._changed = self._find_changes()

    @property
    def position(self) -> str | None:
        """When the newest message that is acknowledged was delivered, in nanoseconds."""
        return None if self.resynchronised else write_position(self._account, str(self._mark))

    @property
    def resynchronised(self) -> bool:
        return self._since is not None

    def close(self) -> None:
        """Nothing is held open between the calls."""

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            detail = f"{error.strerror}: {error.filename}"
            raise InboxError(detail, remedy=_remedy(error)) from error

    def _find_changes(self) -> tuple[int, ...]:
        """When each folder changed last; 0 where it may still be changing."""
        settled = time.time_ns() - int(UNSETTLED_SECONDS * 1e9)
        with self._errors():
            times = [(self._path / folder).stat().st_mtime_ns for folder in FOLDERS]
        return tuple(moment if moment < settled else 0 for moment in times)

    def unread(self, retries: Retries = NO_RETRIES) -> Iterator[Sequence[RawMessage]]:
        self._changed = self._find_changes()
        account = self._account
        known = {*retries.due, *retries.later}
        waiting = [each for each in self._find_waiting() if _source_id(each.unique) not in known]
        there = {_source_id(each.unique): each for each in (self._list_all() if known else ())}
        batches = split_batches(
            [*waiting, *(there[due] for due in retries.due if due in there)],
            lambda each: min(each.size, account.max_message_bytes),
            count=account.batch_count,
            size=account.batch_bytes,
        )
        for batch in batches:
            messages = [message for each in batch if (message := self._read(each)) is not None]
            if messages:
                yield messages
        gone = [each for each in retries.due if each not in there]
        if gone:
            yield [RawMessage(each, b"", fault=GONE, is_gone=True) for each in gone]

    def count_waiting(self) -> int:
        return len(self._find_waiting())

    def _find_waiting(self) -> list[Delivered]:
        wanted = (each for each in self._list_all() if self._is_wanted(each))
        return sorted(wanted, key=lambda each: (each.delivered_ns, each.name))

    def _list_all(self) -> list[Delivered]:
        with self._errors():
            return [each for folder in FOLDERS for each in self._list(folder)]

    def _list(self, folder: str) -> Iterator[Delivered]:
        """Plain files only: a link could lead out of the Maildir, a pipe never ends."""
        with os.scandir(self._path / folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                    continue
                with suppress(FileNotFoundError):  # moved in between
                    status = entry.stat(follow_symlinks=False)
                    yield Delivered(folder, entry.name, status.st_size, status.st_mtime_ns)

    def _is_wanted(self, each: Delivered) -> bool:
        if TRASHED in each.flags:
            return False
        if self._since is not None:
            return not each.is_before(self._since)
        starts_at = self._account.starts_at
        if starts_at and each.is_before(starts_at):
            return False
        return each.delivered_ns > self._mark or SEEN not in each.flags

    def _read(self, each: Delivered) -> RawMessage | None:
        """With its fault where access is denied, say; None where another program has moved it."""
        source_id = _source_id(each.unique)
        try:
            content, oversize = self._read_file(self._path / each.folder / each.name)
        except FileNotFoundError:
            return None
        except OSError as error:
            return RawMessage(source_id, b"", fault=f"{each.name}: {error.strerror}")
        self._given[source_id] = each
        return RawMessage(source_id, content, oversize=oversize)

    def _read_file(self, path: Path) -> tuple[bytes, bool]:
        """The bytes, or the header alone where there are too many."""
        limit = self._account.max_message_bytes
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "not a plain file")
            if status.st_size > limit:
                return cut_header(file.read(HEADER_BYTES)), True
            return file.read(limit), False

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        """Delete, or move to `cur` as seen; an oversize message stays, since we don't have it."""
        messages = [message for message in messages if not message.fault]
        for message in messages:
            if message.source_id not in self._given:
                raise InboxError(f"the message {message.source_id} was not read here")
        read = [self._given.pop(message.source_id) for message in messages]
        for message, found in zip(messages, self._find_again(read), strict=True):
            keep = message.oversize or not self._account.delete_after_delivery
            with self._errors(), suppress(FileNotFoundError):  # somebody else's delete is no fault
                if found and keep:
                    self._mark_seen(found)
                elif found:
                    (self._path / found.folder / found.name).unlink()
        self._mark = max([self._mark, *(each.delivered_ns for each in read)])

    def _find_again(self, read: Sequence[Delivered]) -> list[Delivered | None]:
        """Where they lie now: a mail program may have moved or flagged them since."""
        there = [(self._path / each.folder / each.name).exists() for each in read]
        moved = {} if all(there) else {other.unique: other for other in self._list_all()}
        return [
            each if is_there else moved.get(each.unique)
            for each, is_there in zip(read, there, strict=True)
        ]

    def _mark_seen(self, found: Delivered) -> None:
        flags = "".join(sorted({*found.flags, SEEN}))
        source = self._path / found.folder / found.name
        name, number = found.unique, 2
        while (target := self._path / "cur" / f"{name}{FLAGS_MARK}{flags}").exists():
            if target.samefile(source):
                break
            # The name was given out twice. A rename would destroy the other message.
            name, number = f"{found.unique}#{number}", number + 1
        source.rename(target)

    def wait(self, seconds: float) -> bool:
        """Looks at the times of the folders; a delivery by rename changes that of `new`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
            if 0 in self._changed or self._find_changes() != self._changed:
                return True
        return False


def _source_id(unique: str) -> str:
    """The unique part of the name; file names may be longer, and need not be UTF-8."""
    text = unique.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= MAX_SOURCE_ID else hashlib.sha256(text.encode()).hexdigest()


def _remedy(error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "Check the path: a Maildir is a folder that holds the folders new, cur and tmp."
    if isinstance(error, PermissionError):
        return "Give the user that Letterbox runs as the right to read and write in this folder."
    return "Check the disk that this folder lies on."
