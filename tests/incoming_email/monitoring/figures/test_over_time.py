"""Counts over time: buckets of the day, and percentiles."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.models import InboundEmail
from incoming_email.monitoring.figures.over_time import PERIODS, find_activity, find_percentile
from incoming_email.outcomes import Status
from tests.incoming_email.admin.ledger_rows import ended

DAY, WEEK, MONTH = PERIODS
NOW = datetime(2024, 5, 10, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (DAY, datetime(2024, 5, 9, 14), datetime(2024, 5, 10, 13)),
        (WEEK, datetime(2024, 5, 3, 18), datetime(2024, 5, 10, 12)),
        (MONTH, datetime(2024, 4, 11), datetime(2024, 5, 10)),
    ],
)
def test_buckets_begin_at_full_hours_or_days(period, first, last):
    starts = period.starts(NOW)
    assert (starts[0], starts[-1]) == (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))


def test_days_are_those_of_the_time_zone():
    with timezone.override(ZoneInfo("Europe/Berlin")):
        starts = MONTH.starts(datetime(2024, 4, 1, 10, tzinfo=UTC))
    assert {start.hour for start in starts} == {0}
    assert starts[-1].astimezone(UTC).hour == 22, "summer time"
    assert starts[0].astimezone(UTC).hour == 23


def took(seconds, *, received_at, status=Status.PROCESSED):
    row = ended(status, received_at=received_at)
    finished_at = received_at + timedelta(seconds=seconds)
    InboundEmail.objects.filter(pk=row.pk).update(finished_at=finished_at)


@pytest.mark.django_db
def test_each_message_counts_where_it_came_in():
    for hours, seconds in ((0, 0.4), (0, 59.9), (1, 125), (1, 3599), (30, 7300)):
        took(seconds, received_at=NOW - timedelta(hours=hours))
    ended(Status.HELD, received_at=NOW)
    ended(Status.PENDING, received_at=NOW - timedelta(days=29))

    day = find_activity(DAY, now=NOW)
    *_, before, last = day.buckets
    assert last.by_status == {"processed": 2, "held": 1}
    assert (last.received, last.median, last.slowest) == (3, 0, 59)
    assert (before.received, before.median, before.slowest) == (2, 120, 3540)
    assert (day.whole.received, day.whole.slowest) == (5, 3540)
    month = find_activity(MONTH, now=NOW).whole
    assert (month.received, month.slowest) == (7, 7200)


@pytest.mark.django_db
def test_an_empty_ledger_has_no_times():
    whole = find_activity(WEEK, now=NOW).whole
    assert (whole.received, whole.median, whole.slowest) == (0, None, None)


@pytest.mark.django_db
def test_hours_are_those_of_utc_whatever_the_time_zone_of_the_session():
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL TIME ZONE 'Asia/Seoul'")
    took(3, received_at=NOW.replace(minute=0, second=0))
    took(3, received_at=NOW.replace(hour=12, minute=59, second=59, microsecond=999_999))
    *_, before, last = find_activity(DAY, now=NOW).buckets
    assert (before.received, last.received) == (1, 1)
    assert (before.median, last.median) == (3, 3)


@pytest.mark.django_db
def test_whole_seconds_stay_whole_at_every_time_of_the_day():
    for second in range(60):
        took(2, received_at=NOW + timedelta(seconds=second, microseconds=second * 16_661))
    bucket = find_activity(DAY, now=NOW).whole
    assert (bucket.received, bucket.median, bucket.slowest) == (60, 2, 2)


@pytest.mark.django_db
def test_a_clock_that_went_back_makes_no_negative_time():
    took(-90, received_at=NOW)
    assert find_activity(DAY, now=NOW).whole.median == 0


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_with_that_many_at_or_below(values, percent):
    weights = sorted({value: values.count(value) for value in values}.items())
    found = find_percentile(weights, percent)
    assert found in values
    at_most = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert at_most * 100 >= percent * len(values) > below * 100
