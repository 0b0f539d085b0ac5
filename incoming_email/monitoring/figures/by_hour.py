"""Messages of the ledger by hour, mailbox, status and processing time: counted, or from kept sums.

The sums of an hour are right unless it stands among the changed hours; those are counted from the
ledger. So what is found is what a count of the whole ledger would find, however far the upkeep is.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Case, Count, F, IntegerField, QuerySet, Sum, Value, When

from incoming_email.models import ChangedHour, HourCount, InboundEmail
from incoming_email.monitoring.figures.sql import HourOf, Seconds, Whole
from incoming_email.outcomes import Status
from issues.stopping import UNLIMITED, Budget

HOUR = timedelta(hours=1)
MINUTE_SECONDS, HOUR_SECONDS = 60, 3600

MOST_SPANS = 8
"""Runs of changed hours that are read one by one; of more, all from the first to the last is."""

GROUPED = ("mailbox", "status", "took")


class Counted(NamedTuple):
    """So many messages of this hour, or of the part of a period that begins then, are alike."""

    start: datetime
    mailbox: int
    status: str
    took: int | None
    """Seconds from received to finished; None where it is not finished."""

    messages: int


def find_counts(starts: Sequence[datetime]) -> Iterator[Counted]:
    """What came in since the first of `starts`, by the part that each begins. Three queries.

    An hour belongs to the part in which it begins. One that changes or is summed meanwhile is
    counted once all the same: which are read from the ledger is decided at first.
    """
    since = starts[0] + timedelta(minutes=-starts[0].minute % 60)  # a zone may be half an hour off
    changed = sorted(_read_hours(ChangedHour.objects.filter(hour__gte=since)))
    parts = [When(hour__gte=start, then=Value(at)) for at, start in enumerate(starts)]
    at: Any = Case(*reversed(parts), output_field=IntegerField())
    sums = HourCount.objects.filter(hour__gte=since).exclude(hour__in=changed)
    groups = sums.annotate(at=at).values_list("at", *GROUPED).annotate(n=Sum("count"))
    for place, *group in groups:
        yield Counted(starts[place], *group)
    for counted in _count_hours(changed):
        yield counted._replace(start=starts[bisect_right(starts, counted.start) - 1])


def count_rows(rows: QuerySet[InboundEmail]) -> Iterator[Counted]:
    """Of these rows, by hour; one query."""
    return _read(_group(rows))


def received_since(start: datetime) -> QuerySet[InboundEmail]:
    """Names every status, since the index that holds the rest begins with it."""
    return InboundEmail.objects.order_by().filter(status__in=Status.values, received_at__gte=start)


def sum_changed_hours(*, budget: Budget = UNLIMITED) -> int:
    """Sum the hours that have changed, the newest first, and return how many they were."""
    count = 0
    for hour in sorted(_read_hours(ChangedHour.objects.all()), reverse=True):
        _sum(hour)
        count += 1
        if budget.is_over():
            break
    return count


@transaction.atomic
def _sum(hour: datetime) -> None:
    """Changes that were noted are committed, so the count after them sees them; who commits later
    leaves a note of their own. Two workers wait for each other at the notes."""
    if ChangedHour.objects.filter(hour=hour).delete()[0]:
        HourCount.objects.filter(hour=hour).delete()
        HourCount.objects.bulk_create(
            HourCount(
                hour=hour,
                mailbox=each.mailbox,
                status=each.status,
                took=each.took,
                count=each.messages,
            )
            for each in _count_hours([hour])
        )


def _count_hours(hours: Sequence[datetime]) -> Iterator[Counted]:
    """Of these hours in their order; one query, which reads an index only."""
    spans = _find_spans(hours)
    if len(spans) > MOST_SPANS:
        spans = [(spans[0][0], spans[-1][1])]
    groups = [_group(received_since(start).filter(received_at__lt=end)) for start, end in spans]
    if groups:
        wanted = set(hours)
        query = groups[0].union(*groups[1:], all=True) if groups[1:] else groups[0]
        yield from (each for each in _read(query) if each.start in wanted)


def _find_spans(hours: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """From when to when they follow each other."""
    spans: list[tuple[datetime, datetime]] = []
    for hour in hours:
        first = spans.pop()[0] if spans and spans[-1][1] == hour else hour
        spans.append((first, hour + HOUR))
    return spans


def _group(rows: QuerySet[InboundEmail]) -> Any:
    return (
        rows.annotate(hour=HourOf("received_at"))
        .annotate(seconds=Seconds("finished_at") - Seconds("received_at"))
        # Coarser as it grows, so that a backlog makes no group of each message.
        .annotate(
            took=Case(
                When(seconds__lt=0, then=Value(0)),  # clocks of two machines may differ
                When(seconds__lt=MINUTE_SECONDS, then=Whole("seconds")),
                When(
                    seconds__lt=HOUR_SECONDS,
                    then=Whole(F("seconds") / MINUTE_SECONDS) * MINUTE_SECONDS,
                ),
                default=Whole(F("seconds") / HOUR_SECONDS) * HOUR_SECONDS,
            )
        )
        .values_list("hour", *GROUPED)
        .annotate(n=Count("*"))
    )


def _read(groups: Any) -> Iterator[Counted]:
    for hour, *group in groups:
        yield Counted(_parse_hour(hour), *group)


def _read_hours(changes: QuerySet[ChangedHour]) -> Iterator[datetime]:
    """As text, which is right whatever the time zone of the session."""
    texts = changes.annotate(text=HourOf("hour")).values_list("text", flat=True).distinct()
    return map(_parse_hour, texts)


def _parse_hour(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00").replace(tzinfo=UTC)
