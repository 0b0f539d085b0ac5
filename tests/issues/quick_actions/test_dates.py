"""Days as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.quick_actions.dates import is_day, parse_day

WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2027-01-31", date(2027, 1, 31)),
        ("2027-1-3", date(2027, 1, 3)),
        ("2027/01/31", date(2027, 1, 31)),
        ("2027.01.31.", date(2027, 1, 31)),
        ("2024-02-29", date(2024, 2, 29)),
        ("today", date(2026, 11, 25)),
        ("Tomorrow", date(2026, 11, 26)),
        ("in 3 days", date(2026, 11, 28)),
        ("in  1  day.", date(2026, 11, 26)),
        ("in a week", date(2026, 12, 2)),
        ("in 2 weeks", date(2026, 12, 9)),
        ("in 3 months", date(2027, 2, 25)),
        ("in a year", date(2027, 11, 25)),
        ("next week", date(2026, 12, 2)),
        ("next month", date(2026, 12, 25)),
        ("friday", date(2026, 11, 27)),
        ("next friday", date(2026, 11, 27)),
        ("on Wed", date(2026, 12, 2)),
        ("오늘", date(2026, 11, 25)),
        ("내일", date(2026, 11, 26)),
        ("모레", date(2026, 11, 27)),
        ("3일 후", date(2026, 11, 28)),
        ("3일후", date(2026, 11, 28)),
        ("2주 뒤에", date(2026, 12, 9)),
        ("1개월 후", date(2026, 12, 25)),
        ("다음 주", date(2026, 12, 2)),
        ("금요일", date(2026, 11, 27)),
        ("2027년 1월 31일", date(2027, 1, 31)),
        ("12월 1일", date(2026, 12, 1)),
        ("1월 1일", date(2027, 1, 1)),
    ],
)
def test_days(text, day):
    assert parse_day(text, today=WEDNESDAY) == day
    assert is_day(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "some day", "2026-02-30", "2026-13-01", "2026-1/2", "31.12.", "in days", "in 3"),
        *("in 9999 years", "in 99999 days", "0000-01-01", "tomorrow or so", "x" * 100, "2월 30일"),
    ],
)
def test_no_days(text):
    assert parse_day(text, today=WEDNESDAY) is None
    assert not is_day(text)


def test_a_month_that_is_too_short_ends_earlier():
    assert parse_day("next month", today=date(2027, 1, 31)) == date(2027, 2, 28)


def test_the_last_days_of_the_calendar():
    assert parse_day("tomorrow", today=date.max) is None
    assert parse_day("next month", today=date.max) is None


@given(st.text(max_size=50), st.dates())
def test_reading_a_day_never_raises(text, today):
    parse_day(text, today=today)
