"""When the next mails may go, so that no limit is passed and none overtakes another. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` mails in any `window`."""

    count: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Planned:
    """A mail that went out, is being tried, or is held back until its time."""

    time: datetime
    is_held: bool
    is_automatic: bool = False


def find_times(
    count: int,
    taken: Iterable[Planned],
    limits: Sequence[Limit],
    *,
    now: datetime,
    share: Sequence[Limit] = (),
) -> list[datetime]:
    """Of that many mails written now, in order; `now` for those that need not wait. `share`, where
    they are automatic: limits of such mails alone."""
    taken = list(taken)
    every = _find_counted(taken, now)
    automatic = _find_counted([mail for mail in taken if mail.is_automatic], now)
    counted = [(limit, every) for limit in limits] + [(limit, automatic) for limit in share]
    earliest = max([now, *(mail.time for mail in taken if mail.is_held)])
    found = []
    for _number in range(count):
        for limit, times in counted:
            if len(times) >= limit.count:
                earliest = max(earliest, times[-limit.count] + limit.window)
        every.append(earliest)
        automatic.append(earliest)
        found.append(earliest)
    return found


def _find_counted(taken: Iterable[Planned], now: datetime) -> list[datetime]:
    """One that is tried again may be sent at any moment, so it counts as sent now."""
    return sorted(mail.time if mail.is_held else min(mail.time, now) for mail in taken)
