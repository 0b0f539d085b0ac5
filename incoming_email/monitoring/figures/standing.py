"""Current counts: what waits, for whom, since when, and when each process was last seen."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count

from incoming_email.models import Heartbeat, InboundEmail
from incoming_email.models.heartbeats import OLD
from incoming_email.monitoring.figures.over_time import received_since
from incoming_email.outcomes import Status
from issues.models import OutgoingEmail, OutgoingState

OPEN = (Status.PENDING, Status.HELD, Status.FAILED)
"""Statuses that somebody must act on."""


@dataclass(frozen=True, slots=True)
class CurrentCounts:
    """`open_rows` counts by (mailbox id, status), for the statuses that somebody must act on."""

    open_rows: Mapping[tuple[int, str], int]
    unsent: int
    unsendable: int
    heartbeats: Mapping[str, datetime]

    def count(self, status: Status, mailbox_id: int | None = None) -> int:
        return sum(
            count
            for (mailbox, its), count in self.open_rows.items()
            if its == status and mailbox_id in {None, mailbox}
        )


def count_current() -> CurrentCounts:
    """Three queries, each of which an index answers."""
    rows = InboundEmail.objects.order_by().filter(status__in=OPEN)
    groups = rows.values_list("mailbox_id", "status").annotate(n=Count("*"))
    unsent = OutgoingEmail.objects.filter(state__in=[OutgoingState.PENDING, OutgoingState.FAILED])
    outgoing = dict(unsent.order_by().values_list("state").annotate(n=Count("*")))
    return CurrentCounts(
        {(mailbox, status): count for mailbox, status, count in groups},
        outgoing.get(OutgoingState.PENDING, 0),
        outgoing.get(OutgoingState.FAILED, 0),
        find_heartbeats(),
    )


def find_heartbeats() -> dict[str, datetime]:
    """When each process was last seen alive."""
    return dict(Heartbeat.objects.values_list("name", "seen_at"))


def find_received(start: datetime) -> Counter[int]:
    """How many came in since, by mailbox id."""
    groups = received_since(start).values_list("mailbox_id").annotate(n=Count("*"))
    return Counter(dict(groups))


@dataclass(frozen=True, slots=True)
class Overdue:
    """Messages whose attempt is due, and which no worker has claimed."""

    count: int
    oldest: InboundEmail | None
    """The one that has been due for longest, with few columns."""


def find_overdue(*, now: datetime) -> Overdue:
    """Due for CHECK_PENDING_MINUTES, or for the time of a few sweeps where that is longer.

    There are none while workers do their work, even if every attempt fails: a claim sets the time
    of the next attempt first.
    """
    patience = max(timedelta(minutes=settings.CHECK_PENDING_MINUTES), OLD)
    rows = InboundEmail.objects.filter(
        status=Status.PENDING, next_attempt_at__lte=now - patience
    ).order_by("next_attempt_at")
    oldest = rows.only("pk", "next_attempt_at", "last_error").first()
    return Overdue(rows.count() if oldest else 0, oldest)


def find_oldest_pending(*, now: datetime) -> InboundEmail | None:
    """Due rows, without those that wait for a limit on purpose; with few columns."""
    pending = InboundEmail.objects.filter(status=Status.PENDING).order_by("received_at")
    due = pending.exclude(attempts=0, next_attempt_at__gt=now)
    return due.only("pk", "received_at", "attempts").first()
