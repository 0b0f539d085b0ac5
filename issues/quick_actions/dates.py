"""Days as people write them, in English and Korean. Pure."""

import re
from calendar import monthrange
from datetime import MAXYEAR, date, timedelta

DAYS_A_WEEK = 7
MONTHS_A_YEAR = 12

_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon 월요일",
            "tuesday tue 화요일",
            "wednesday wed 수요일",
            "thursday thu 목요일",
            "friday fri 금요일",
            "saturday sat 토요일",
            "sunday sun 일요일",
        )
    )
    for name in names.split()
}
_DAYS_AHEAD = {
    "today": 0,
    "tomorrow": 1,
    "the day after tomorrow": 2,
    "오늘": 0,
    "내일": 1,
    "모레": 2,
    "next week": 7,
    "다음 주": 7,
    "다음주": 7,
}
_MONTHS_AHEAD = {
    "next month": 1,
    "다음 달": 1,
    "다음달": 1,
    "next year": 12,
    "내년": 12,
}
_DAYS = {"day": 1, "week": 7, "일": 1, "주": 7, "주일": 7}
_MONTHS = {"month": 1, "year": 12, "개월": 1, "달": 1, "년": 12}
_AHEAD = re.compile(
    r"in (?P<number>\d{1,4}|an?) (?P<unit>day|week|month|year)s?"
    r"|(?P<number_ko>\d{1,4}) ?(?P<unit_ko>일|주일|주|개월|달|년) ?(?:후|뒤)(?:에)?"
)
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})\.?")
_KOREAN = re.compile(r"(?:(\d{4})년 ?)?(\d{1,2})월 ?(\d{1,2})일")
MAX_LENGTH = 40


def is_day(text: str) -> bool:
    """Whether some day is meant; which one depends on today."""
    return parse_day(text, today=date(2000, 1, 1)) is not None


def parse_day(text: str, *, today: date) -> date | None:
    """None where no day is meant, or one that no calendar has."""
    if len(text) > MAX_LENGTH:
        return None
    words = " ".join(text.lower().rstrip(".").split())
    readers = (_read_calendar_day, _read_fixed_words, _read_distance, _read_weekday)
    try:
        return next((day for read in readers if (day := read(words, today)) is not None), None)
    except (ValueError, OverflowError):  # 2026-02-30, or beyond the year 9999
        return None


def _read_calendar_day(words: str, today: date) -> date | None:
    if found := _ISO.fullmatch(words):
        return date(int(found[1]), int(found[3]), int(found[4]))
    if found := _KOREAN.fullmatch(words):
        day = date(int(found[1] or today.year), int(found[2]), int(found[3]))
        return day if found[1] or day >= today else day.replace(year=today.year + 1)
    return None


def _read_fixed_words(words: str, today: date) -> date | None:
    if words in _DAYS_AHEAD:
        return today + timedelta(days=_DAYS_AHEAD[words])
    return _add_months(today, _MONTHS_AHEAD[words]) if words in _MONTHS_AHEAD else None


def _read_distance(words: str, today: date) -> date | None:
    """'in 3 days', '3일 후'."""
    found = _AHEAD.fullmatch(words)
    if found is None:
        return None
    number = found["number"] or found["number_ko"]
    count = 1 if number.startswith("a") else int(number)
    unit = found["unit"] or found["unit_ko"]
    if unit in _DAYS:
        return today + timedelta(days=count * _DAYS[unit])
    return _add_months(today, count * _MONTHS[unit])


def _read_weekday(words: str, today: date) -> date | None:
    """The next such day after today, with or without 'next' or 'on'."""
    name = words.removeprefix("next ").removeprefix("on ").removeprefix("다음 ")
    if name not in _WEEKDAYS:
        return None
    ahead = (_WEEKDAYS[name] - today.weekday()) % DAYS_A_WEEK
    return today + timedelta(days=ahead or DAYS_A_WEEK)


def _add_months(day: date, months: int) -> date:
    """The same day of a later month, or the last one of a month that is too short."""
    month = day.year * MONTHS_A_YEAR + day.month - 1 + months
    year, number = divmod(month, MONTHS_A_YEAR)
    if year > MAXYEAR:
        raise OverflowError
    return date(year, number + 1, min(day.day, monthrange(year, number + 1)[1]))
