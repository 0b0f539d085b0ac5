"""Dates as mail programs show them above a forwarded message, in the language of their user.

They name no time zone most of the time: it is the one that the program itself writes its mail in.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from incoming_email.parsing.mime.dates import FIRST_YEAR, LAST_YEAR
from incoming_email.parsing.text.months import find_month

MAX_LENGTH = 120
_NOON = 12

_YEAR_FIRST = re.compile(r"(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})[日일.]?")
_YEAR_LAST = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})[./-]\s?(\d{4})")
_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_WORD = re.compile(r"[^\W\d_]{3,20}")
_VIETNAMESE = re.compile(r"(?:thg|tháng)\s?(\d{1,2})")
_TIME = re.compile(r"(?<!\d)(\d{1,2})\s?[:.h時时点點시]\s?(\d{2})(?:[:.분]\s?(\d{2}))?(?!\d)")
_HOUR = re.compile(r"(?<!\d)(\d{1,2})\s?(?:[시時时点點]|(?=[ap]\.?\s?m\b))")
_AFTERNOON = re.compile(r"(?<![^\W\d_])p\.?\s?m\b|오후|下午|午後|晚上|ch\b|μ\.?μ\b|م(?!\w)")
_MORNING = re.compile(r"(?<![^\W\d_])a\.?\s?m\b|오전|上午|午前|早上|sa\b|π\.?μ\b|ص(?!\w)")
_ZONE = re.compile(r"(?:gmt|utc)?\s?([+-])(\d{1,2}):?(\d{2})?\b|(?<![^\W\d_])(?:gmt|utc|z)\b")


def parse_shown_date(text: str, zone: tzinfo | None) -> datetime | None:
    """In UTC; None where no date can be read, or it names no zone and `zone` is None."""
    text = text[:MAX_LENGTH].lower()
    day, start, end = _find_day(text)
    if day is None:
        return None
    rest = f"{text[:start]}  {text[end:]}"
    time = _TIME.search(rest)
    hour, minute, second = _read_time(rest, time)
    behind = rest[time.end() :] if time else ""
    zone = _find_zone(behind) or zone
    if zone is None:
        return None
    try:
        moment = datetime(*day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def _find_day(text: str) -> tuple[tuple[int, int, int] | None, int, int]:
    """Year, month, day, and their positions."""
    if found := _YEAR_FIRST.search(text):
        year, month, day = map(int, found.groups())
        return (year, month, day), *found.span()
    if found := _YEAR_LAST.search(text):
        first, second = int(found[1]), int(found[3])
        american = found[2] == "/" and (second > _NOON or _half_of_day(text) is not None)
        month, day = (first, second) if american and first <= _NOON else (second, first)
        return (int(found[4]), month, day), *found.span()
    return _find_named_day(text)


def _find_named_day(text: str) -> tuple[tuple[int, int, int] | None, int, int]:
    """'Mon, Jun 3, 2024', '3. Juni 2024': the number beside the month is the day."""
    year = _YEAR.search(text)
    if year is None:
        return None, 0, 0
    named = [(find_month(word[0]), word.start(), word.end()) for word in _WORD.finditer(text)]
    months = [each for each in named if each[0] and each[1] < year.end() + MAX_LENGTH // 4]
    if found := _VIETNAMESE.search(text):
        months.append((int(found[1]), *found.span()))
    if not months:
        return None, 0, 0
    month, start, end = months[-1]  # 'mar. 4 mars': a weekday before it
    times = [time.span() for time in _TIME.finditer(text)]
    numbers = [
        number
        for number in _NUMBER.finditer(text)
        if not any(begin <= number.start() < stop for begin, stop in [*times, (start, end)])
    ]
    if not numbers:
        return None, 0, 0
    near = min(numbers, key=lambda number: max(start - number.end(), number.start() - end))
    span = min(near.start(), start, year.start()), max(near.end(), end, year.end())
    return (int(year[0]), month, int(near[0])), *span


def _read_time(rest: str, time: re.Match[str] | None) -> tuple[int, int, int]:
    found = time or _HOUR.search(rest)
    if found is None:
        return 0, 0, 0
    hour = int(found[1])
    minute, second = (int(time[2]), int(time[3] or 0)) if time else (0, 0)
    afternoon = _half_of_day(rest)
    if afternoon is not None and hour <= _NOON:
        hour = hour % _NOON + (_NOON if afternoon else 0)
    return hour, minute, second


def _half_of_day(text: str) -> bool | None:
    """Whether it says afternoon; None where it goes by 24 hours."""
    if _AFTERNOON.search(text):
        return True
    return False if _MORNING.search(text) else None


def _find_zone(text: str) -> tzinfo | None:
    found = _ZONE.search(text)
    if found is None:
        return None
    if not found[1]:
        return UTC
    hours, minutes = found[2], found[3] or "0"
    size = timedelta(hours=int(hours), minutes=int(minutes))
    if size >= timedelta(days=1):
        return None
    return timezone(size if found[1] == "+" else -size)
