"""How far an IMAP folder has been ingested: what to search for, and what is still missing."""

import re
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from incoming_email.inboxes.base import InboxError, gettext_noop

MAX_UID = 4_294_967_295
"""UIDs have 32 bits. Used instead of `*`, which always finds the last message (RFC 3501, 6.4.8)."""

MAX_MISSED = 10
"""At most this many unreadable messages below the mark; the next one stops the mark."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

CLOCK_SLACK = timedelta(minutes=5)
"""How far the server's clock may be behind ours."""

# UIDVALIDITY has 32 bits (RFC 3501, 9), but some servers make it of the time in milliseconds.
POSITION = re.compile(
    r"(\d{1,20}):(\d{1,10})(?::(\d{1,10}(?:,\d{1,10})*))?(?:@(\d{1,10}))?(\*)?", re.ASCII
)

NO_UID_NEXT = gettext_noop(
    "the mail server does not say where new mail begins in the folder: SELECT and STATUS give no"
    " usable UIDNEXT, and FETCH gives no UID of the newest message."
)
NO_VALIDITY = gettext_noop(
    "the mail server gives the folder no UIDVALIDITY, so its messages have no lasting ids."
)
NO_POSITION_REMEDY = gettext_noop(
    "No message was fetched or marked. Have the mail server fixed, or let it deliver this mail "
    "by LMTP, SMTP or into a Maildir instead."
)


@dataclass(frozen=True, slots=True)
class Position:
    """Written as `UIDVALIDITY:highest UID`, then `:UID,UID` if some below are missing, `@` with
    `read_at` in seconds since 1970, and `*` if it is renamed.
    """

    validity: int
    highest: int
    """From the next UID on, messages are ingested even if somebody has read them in webmail."""

    missed: tuple[int, ...] = ()
    read_at: datetime | None = None
    """What came before is ingested or left alone, unless it is unread; None: not known."""

    is_renamed: bool = False
    """What lies up to `highest` may be stored by other ids, and has not been compared yet."""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = POSITION.fullmatch(text)
        if match is None:
            return None
        missed = tuple(int(uid) for uid in match[3].split(",")) if match[3] else ()
        read_at = datetime.fromtimestamp(int(match[4]), UTC) if match[4] else None
        return cls(int(match[1]), int(match[2]), missed, read_at, match[5] is not None)

    def __str__(self) -> str:
        missed = ":" + ",".join(map(str, self.missed)) if self.missed else ""
        read_at = f"@{int(self.read_at.timestamp())}" if self.read_at else ""
        return f"{self.validity}:{self.highest}{missed}{read_at}{'*' * self.is_renamed}"


@dataclass(frozen=True, slots=True)
class Folder:
    """The server's answer to SELECT."""

    validity: int
    """UIDVALIDITY; 0 where the server gave none."""

    uid_next: int
    """No message has this UID or a higher one yet; 0 where that is not known."""

    exists: int | None = 0
    kept_flags: frozenset[bytes] = frozenset({b"\\Seen", b"\\Deleted"})
    """Those that stay when the connection ends (PERMANENTFLAGS; RFC 3501, 7.1)."""

    name: str = "INBOX"
    """As the server lists it."""


def begin(
    last: Position | None, folder: Folder, *, now: datetime, is_elsewhere: bool = False
) -> Position:
    """Where the first reading begins, or the first one after a change of UIDVALIDITY.

    `last`: the position by the former UIDs. `is_elsewhere`: another folder was read before. Raises
    InboxError where `validity` or `uid_next` is not known: without them all mail would count as
    new, also what was read long ago.
    """
    if not (folder.validity and folder.uid_next):
        detail = NO_UID_NEXT if folder.validity else NO_VALIDITY
        raise InboxError(detail, remedy=NO_POSITION_REMEDY)
    highest = folder.uid_next - 1
    if last is not None:
        return Position(folder.validity, highest, read_at=last.read_at, is_renamed=True)
    read_at = None if is_elsewhere else now
    return Position(folder.validity, highest, read_at=read_at, is_renamed=is_elsewhere)


def name_day(moment: datetime) -> str:
    """`SINCE` with a bare date (freescout#4175), a day early: the server's time zone counts."""
    day = moment.astimezone(UTC) - timedelta(days=1)
    return f"SINCE {day.day}-{MONTHS[day.month - 1]}-{day.year}"


class Progress:
    """Keeps the mark below every message that is found and not acknowledged.

    Below the mark only unread mail is ingested. In the first reading after a change of UIDVALIDITY
    read mail is ingested too, if it came after `read_at`. Older mail that people have read must
    not be ingested or deleted because its UIDs changed.

    `starts_at`: what the server got before then is left alone, unless it lies above the mark,
    where no clock has to be trusted. A `starts_at` that was set after the last reading counts
    above the mark too.
    """

    def __init__(self, start: Position, starts_at: datetime | None = None) -> None:
        self.starts_at = starts_at
        self._validity, self._highest = start.validity, start.highest
        self._missed = set(start.missed)
        self._read_at, self._is_renamed = start.read_at, start.is_renamed
        self._searched_at: datetime | None = None
        self._ceiling = MAX_UID + 1
        self._is_left_out = False
        self._queue: deque[int] = deque()
        self._owed: set[int] = set()
        self._done: set[int] = set()
        self._certain: set[int] = set()
        self._read_before: set[int] = set()
        self._new_from = start.highest + 1

    @property
    def resynchronised(self) -> bool:
        return self._is_renamed

    @property
    def criteria(self) -> str:
        """SEARCH keys without strings or a charset, and mostly without dates (freescout#176)."""
        unseen = f"(UNSEEN {name_day(self.starts_at)})" if self.starts_at else "UNSEEN"
        missed = "".join(f"{uid}," for uid in self._missed_below())
        return f"UNDELETED OR {unseen} UID {missed}{self._highest + 1}:{MAX_UID}"

    @property
    def dated_criteria(self) -> str:
        """SEARCH keys for read mail that may have come since the last reading; empty for none."""
        since = self._find_gap_start()
        return f"UNDELETED {name_day(since)}" if since else ""

    def _find_gap_start(self) -> datetime | None:
        """Since when read mail is ingested below the mark; None: not at all."""
        if not self._is_renamed or self._read_at is None:
            return None
        return max(self._read_at, self.starts_at or self._read_at)

    def find_earliest(self, uid: int) -> datetime | None:
        """A result of the last search is skipped if it came before; None: it is wanted anyway."""
        if uid in self._read_before:
            return self._find_gap_start()
        is_wanted = uid in self._certain or uid >= self._new_from
        return None if is_wanted and not self._is_start_ahead() else self.starts_at

    def _is_start_ahead(self) -> bool:
        """Whether `starts_at` was set after the last reading, as far as is known, or is to come."""
        if self.starts_at is None:
            return False
        start = self.starts_at.replace(microsecond=0)  # as a position is written
        return self._read_at is None or self._read_at < start

    def is_read_before(self, uid: int) -> bool:
        """Whether only its date can show that it is new."""
        return uid in self._read_before

    def ask_for(self, uids: Iterable[int]) -> None:
        """The next search asks for these too, wherever they lie and whether read or not."""
        self._missed |= set(uids)

    @property
    def position(self) -> str:
        missed = self._missed_below()
        return str(Position(self._validity, self._highest, missed, self._read_at, self._is_renamed))

    def _missed_below(self) -> tuple[int, ...]:
        return tuple(sorted(uid for uid in self._missed if uid <= self._highest))

    def found(
        self, uids: Sequence[int], dated: Collection[int] = (), *, searched_at: datetime
    ) -> None:
        """Process the ascending results of a search; missing messages it does not find are
        dropped.

        `dated`: the results that only `dated_criteria` finds. `searched_at`: not after the search.
        """
        self._queue = deque(uids)
        self._owed = set(uids)
        # Until they are acknowledged, they stay named in the position.
        self._missed &= self._owed
        self._certain, self._new_from = set(self._missed), self._highest + 1
        self._read_before = {uid for uid in dated if uid < self._new_from}
        self._ceiling, self._is_left_out = MAX_UID + 1, False
        self._searched_at = searched_at
        self._advance()

    def skip(self, uid: int) -> None:
        """Record a message that is not readable this time."""
        self._owed.discard(uid)
        if uid in self._missed or len(self._missed) < MAX_MISSED:
            self._missed.add(uid)
        elif uid > self._highest:
            self._ceiling = min(self._ceiling, uid)
        else:
            self._is_left_out = True
        self._advance()

    def acknowledge(self, uids: Iterable[int]) -> None:
        known = set(uids)
        self._done |= known
        self._owed -= known
        self._missed -= known
        self._advance()

    def _advance(self) -> None:
        while self._queue and self._queue[0] not in self._owed:
            self._queue.popleft()
        limit = min(self._ceiling, self._queue[0] if self._queue else self._ceiling)
        self._highest = max([self._highest, *(uid for uid in self._done if uid < limit)])
        self._done = {uid for uid in self._done if uid > self._highest}
        is_whole = not self._owed and self._ceiling > MAX_UID
        if is_whole and not (self._is_renamed and self._is_left_out):
            self._finish()

    def _finish(self) -> None:
        """All that the last search found is acknowledged, or named as missing."""
        if self._searched_at is None:
            return
        self._is_renamed = False
        moments = [self._searched_at - CLOCK_SLACK]
        if self.starts_at and self.starts_at <= self._searched_at:
            moments.append(self.starts_at)
        self._read_at = max([*moments, *filter(None, [self._read_at])])


class Backfill:
    """All that the server received since a time, seen or not. The mark does not move."""

    resynchronised = True
    position = None

    def __init__(self, since: datetime) -> None:
        self.starts_at = since
        self.criteria = f"UNDELETED {name_day(since)}"
        self.dated_criteria = ""

    def find_earliest(self, _uid: int) -> datetime | None:
        return self.starts_at

    def is_read_before(self, _uid: int) -> bool:
        return False

    def ask_for(self, uids: Iterable[int]) -> None:
        """All is asked for already."""

    def found(
        self, uids: Sequence[int], dated: Collection[int] = (), *, searched_at: datetime
    ) -> None:
        """Nothing is missing: what this reading skips is left to the next one."""

    def skip(self, uid: int) -> None:
        """As above."""

    def acknowledge(self, uids: Iterable[int]) -> None:
        """As above."""
