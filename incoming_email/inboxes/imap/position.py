"""How far an IMAP folder has been ingested: what to search for, and what is still missing."""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from incoming_email.inboxes.base import InboxError, gettext_noop

MAX_UID = 4_294_967_295
"""UIDs have 32 bits. Used instead of `*`, which always finds the last message (RFC 3501, 6.4.8)."""

MAX_MISSED = 10
"""At most this many unreadable messages below the mark; the next one stops the mark."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# UIDVALIDITY has 32 bits (RFC 3501, 9), but some servers make it of the time in milliseconds.
POSITION = re.compile(r"(\d{1,20}):(\d{1,10})(?::(\d{1,10}(?:,\d{1,10})*))?", re.ASCII)

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
    """Written as `UIDVALIDITY:highest UID`, followed by `:UID,UID` if some below are missing."""

    validity: int
    highest: int
    missed: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = POSITION.fullmatch(text)
        if match is None:
            return None
        missed = tuple(int(uid) for uid in match[3].split(",")) if match[3] else ()
        return cls(int(match[1]), int(match[2]), missed)

    def __str__(self) -> str:
        missed = ":" + ",".join(map(str, self.missed)) if self.missed else ""
        return f"{self.validity}:{self.highest}{missed}"


@dataclass(frozen=True, slots=True)
class Folder:
    """The server's answer to SELECT."""

    validity: int
    """UIDVALIDITY; 0 where the server gave none."""

    uid_next: int
    """No message has this UID or a higher one yet; 0 where that is not known."""

    exists: int | None = 0
    keeps_flags: bool = True
    """Whether \\Seen and \\Deleted stay when the connection ends."""

    name: str = "INBOX"
    """As the server lists it."""


def is_known(text: str, folder: Folder) -> bool:
    """Whether the position `text` says how far this folder has been read."""
    position = Position.parse(text)
    return position is not None and position.validity == folder.validity


def name_day(moment: datetime) -> str:
    """`SINCE` with a bare date (freescout#4175), a day early: the server's time zone counts."""
    day = moment.astimezone(UTC) - timedelta(days=1)
    return f"SINCE {day.day}-{MONTHS[day.month - 1]}-{day.year}"


class Progress:
    """Keeps the mark below every message that is found and not acknowledged.

    A first reading, and one after a change of UIDVALIDITY, count as a whole or not at all:
    broken off, they are begun again from the old mark. `starts_at`: what the server got before
    then is left alone, unless it lies above the mark, where no clock has to be trusted.

    Raises InboxError at such a reading of a folder whose `validity` or `uid_next` is not known:
    without them all mail would count as new, also what was read long ago.
    """

    def __init__(self, text: str, folder: Folder, starts_at: datetime | None = None) -> None:
        start = Position.parse(text)
        self.starts_at = starts_at
        self._folder = folder
        self._text = text if start else ""
        self._whole = not is_known(text, folder)
        self.resynchronised = start is not None and self._whole
        if self._whole and not (folder.validity and folder.uid_next):
            detail = NO_UID_NEXT if folder.validity else NO_VALIDITY
            raise InboxError(detail, remedy=NO_POSITION_REMEDY)
        self._highest = start.highest if start and not self._whole else 0
        self._missed = set(start.missed) if start and not self._whole else set()
        self._ceiling = MAX_UID + 1
        self._queue: deque[int] = deque()
        self._owed: set[int] = set()
        self._done: set[int] = set()
        self._certain: set[int] = set()
        self._new_from = self._first_new()

    @property
    def criteria(self) -> str:
        """SEARCH keys without strings or a charset, and mostly without dates (freescout#176)."""
        if self._whole and self.resynchronised:
            return f"UNDELETED {name_day(self.starts_at)}" if self.starts_at else "UNDELETED"
        unseen = f"(UNSEEN {name_day(self.starts_at)})" if self.starts_at else "UNSEEN"
        missed = "".join(f"{uid}," for uid in self._missed_below())
        return f"UNDELETED OR {unseen} UID {missed}{self._first_new()}:{MAX_UID}"

    def _first_new(self) -> int:
        """From this UID on, messages are ingested even if somebody has read them in webmail."""
        if self._whole:
            # Not the next one: mail may come between our SELECT and our SEARCH.
            return self._folder.uid_next
        return self._highest + 1

    def is_judged_by_date(self, uid: int) -> bool:
        """Whether results of the last search that are older than `starts_at` are skipped."""
        return self.starts_at is not None and uid < self._new_from and uid not in self._certain

    @property
    def position(self) -> str:
        if self._whole:
            return self._text
        return str(Position(self._folder.validity, self._highest, self._missed_below()))

    def _missed_below(self) -> tuple[int, ...]:
        return tuple(sorted(uid for uid in self._missed if uid <= self._highest))

    def found(self, uids: Sequence[int]) -> None:
        """Process the ascending results of a search; missing messages it does not find are
        dropped."""
        self._queue = deque(uids)
        self._owed = set(uids)
        self._certain, self._new_from = set(self._missed), self._first_new()
        self._missed.clear()
        self._ceiling = MAX_UID + 1
        self._advance()

    def skip(self, uid: int) -> None:
        """Record a message that is not readable this time."""
        self._owed.discard(uid)
        if len(self._missed) < MAX_MISSED:
            self._missed.add(uid)
        else:
            self._ceiling = min(self._ceiling, uid)
        self._advance()

    def acknowledge(self, uids: Iterable[int]) -> None:
        known = set(uids)
        self._done |= known
        self._owed -= known
        self._missed -= known
        self._advance()

    def _advance(self) -> None:
        if self._whole:
            if self._owed or self._ceiling <= MAX_UID:
                return
            self._whole = False
            self._highest = self._folder.uid_next - 1
        while self._queue and self._queue[0] not in self._owed:
            self._queue.popleft()
        limit = min(self._ceiling, self._queue[0] if self._queue else self._ceiling)
        self._highest = max([self._highest, *(uid for uid in self._done if uid < limit)])
        self._done = {uid for uid in self._done if uid > self._highest}


class Backfill:
    """All that the server received since a time, seen or not. The mark does not move."""

    resynchronised = True
    position = None

    def __init__(self, since: datetime) -> None:
        self.starts_at = since
        self.criteria = f"UNDELETED {name_day(since)}"

    def is_judged_by_date(self, uid: int) -> bool:
        return True

    def found(self, uids: Sequence[int]) -> None:
        """Nothing is missing: what this reading skips is left to the next one."""

    def skip(self, uid: int) -> None:
        """As above."""

    def acknowledge(self, uids: Iterable[int]) -> None:
        """As above."""
