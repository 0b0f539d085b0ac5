"""Received messages by status and processing time, hour by hour or day by day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incoming_email.monitoring.figures.by_hour import HOUR, count_rows, find_counts, received_since

DAY = timedelta(days=1)


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

    received: Mapping[int, int]
    """How many came in, by mailbox id."""


def find_activity(period: Period, *, now: datetime) -> Activity:
    """Three queries, whose cost does not grow with the period as long as the upkeep runs."""
    starts = period.starts(now)
    statuses = {start: Counter[str]() for start in starts}
    times = {start: Counter[int]() for start in starts}
    received = Counter[int]()
    for each in find_counts(starts):
        statuses[each.start][each.status] += each.messages
        received[each.mailbox] += each.messages
        if each.took is not None:
            times[each.start][each.took] += each.messages
    return Activity(
        period,
        tuple(_make_bucket(start, statuses[start], times[start]) for start in starts),
        _make_bucket(starts[0], sum(statuses.values(), Counter()), sum(times.values(), Counter())),
        received,
    )


def find_times(start: datetime) -> Bucket:
    """All that came in since, in one bucket."""
    statuses: Counter[str] = Counter()
    times: Counter[int] = Counter()
    for each in count_rows(received_since(start)):
        statuses[each.status] += each.messages
        if each.took is not None:
            times[each.took] += each.messages
    return _make_bucket(start, statuses, times)


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
