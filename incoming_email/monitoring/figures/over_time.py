"""Received messages by status and processing time, hour by hour or day by day."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, QuerySet, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incoming_email.models import InboundEmail
from incoming_email.monitoring.figures.sql import HourOf, Seconds, Whole
from incoming_email.outcomes import Status

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE_SECONDS, HOUR_SECONDS = 60, 3600


@dataclass(frozen=True, slots=True)
class Period:
    """Buckets of this length; the last one is not over yet."""

    slug: str
    label: str | Promise
    count: int
    step: timedelta

    def starts(self, now: datetime) -> list[datetime]:
        """When each bucket begins, the oldest first: full hours of the day, or midnights."""
        local = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
        hours = self.step // HOUR
        first = local.replace(hour=local.hour // hours * hours if hours < 24 else 0)  # noqa: PLR2004
        # Wall-clock arithmetic: midnight stays midnight when the clocks are changed.
        return [first - self.step * back for back in reversed(range(self.count))]


PERIODS = (
    Period("day", _("24 hours"), 24, HOUR),
    Period("week", _("7 days"), 28, 6 * HOUR),
    Period("month", _("30 days"), 30, DAY),
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Messages received from `start` on. Times are seconds from received to finished, rounded down.

    None where no message of the bucket is finished.
    """

    start: datetime
    by_status: Mapping[str, int]
    median: int | None
    slowest: int | None
    """The 95th percentile."""

    @property
    def received(self) -> int:
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class Activity:
    period: Period
    buckets: tuple[Bucket, ...]
    whole: Bucket
    """Of the whole period."""


def find_activity(period: Period, *, now: datetime) -> Activity:
    """One query, which reads an index only."""
    starts = period.starts(now)
    statuses: list[Counter[str]] = [Counter() for _start in starts]
    times: list[Counter[int]] = [Counter() for _start in starts]
    for hour, status, took, count in _count(received_since(starts[0])):
        at = bisect_right(starts, hour) - 1
        statuses[at][status] += count
        if took is not None:
            times[at][max(took, 0)] += count  # clocks of two machines may differ
    parts = zip(starts, statuses, times, strict=True)
    return Activity(
        period,
        tuple(_make_bucket(*part) for part in parts),
        _make_bucket(starts[0], sum(statuses, Counter()), sum(times, Counter())),
    )


def find_times(start: datetime) -> Bucket:
    """All that came in since, in one bucket."""
    statuses: Counter[str] = Counter()
    times: Counter[int] = Counter()
    for _hour, status, took, count in _count(received_since(start)):
        statuses[status] += count
        if took is not None:
            times[max(took, 0)] += count
    return _make_bucket(start, statuses, times)


def received_since(start: datetime) -> QuerySet[InboundEmail]:
    """Names every status, since the index that holds the rest begins with it."""
    return InboundEmail.objects.order_by().filter(status__in=Status.values, received_at__gte=start)


def _count(rows: QuerySet[InboundEmail]) -> Iterator[tuple[datetime, str, int | None, int]]:
    took = Seconds("finished_at") - Seconds("received_at")
    groups: Any = (
        rows.annotate(hour=HourOf("received_at"), seconds=took)
        # Coarser as it grows, so that a backlog makes no group of each message.
        .annotate(
            took=Case(
                When(seconds__lt=MINUTE_SECONDS, then=Whole("seconds")),
                When(
                    seconds__lt=HOUR_SECONDS,
                    then=Whole(F("seconds") / MINUTE_SECONDS) * MINUTE_SECONDS,
                ),
                default=Whole(F("seconds") / HOUR_SECONDS) * HOUR_SECONDS,
            )
        )
        .values_list("hour", "status", "took")
        .annotate(n=Count("*"))
    )
    for hour, status, seconds, count in groups:
        yield datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC), status, seconds, count


def _make_bucket(start: datetime, statuses: Counter[str], times: Counter[int]) -> Bucket:
    weights = sorted(times.items())
    return Bucket(start, statuses, find_percentile(weights, 50), find_percentile(weights, 95))


def find_percentile(weights: Sequence[tuple[int, int]], percent: int) -> int | None:
    """By nearest rank, of values in order with how often each occurs; None without any."""
    rank = -(-sum(count for _value, count in weights) * percent // 100)
    for value, count in weights:
        rank -= count
        if rank <= 0:
            return value
    return None
