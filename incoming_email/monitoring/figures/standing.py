"""Current counts: what waits, for whom, since when, and when each process was last seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Count, Q, When
from django.db.models.functions import Greatest, Least

from incoming_email.models import Heartbeat, InboundEmail
from incoming_email.models.heartbeats import OLD
from incoming_email.outcomes import Status
from issues.models import OutgoingAccount, OutgoingEmail, OutgoingState

OPEN = (Status.PENDING, Status.HELD, Status.FAILED)
"""Statuses that somebody must act on."""


@dataclass(frozen=True, slots=True)
class CurrentCounts:
    """`open_rows` counts by (mailbox id, status), for the statuses that somebody must act on."""

    open_rows: Mapping[tuple[int, str], int]
    unsent: int
    unsendable: int
    heartbeats: Mapping[str, datetime]
    held_spam: int
    """Of the rows that are held, those that are spam: nobody need act on them."""

    sending_fails_since: datetime | None
    """Since when the server of EMAIL_URL takes no mail."""

    def count(self, status: Status, mailbox_id: int | None = None) -> int:
        return sum(
            count
            for (mailbox, its), count in self.open_rows.items()
            if its == status and mailbox_id in {None, mailbox}
        )


def count_current() -> CurrentCounts:
    """Five queries, each of which an index answers."""
    rows = InboundEmail.objects.order_by().filter(status__in=OPEN)
    groups = rows.values_list("mailbox_id", "status").annotate(n=Count("*"))
    unsent = OutgoingEmail.objects.filter(state__in=[OutgoingState.PENDING, OutgoingState.FAILED])
    outgoing = dict(unsent.order_by().values_list("state").annotate(n=Count("*")))
    return CurrentCounts(
        {(mailbox, status): count for mailbox, status, count in groups},
        outgoing.get(OutgoingState.PENDING, 0),
        outgoing.get(OutgoingState.FAILED, 0),
        find_heartbeats(),
        InboundEmail.objects.held_spam().count(),
        OutgoingAccount.objects.filter(account="").values_list("failing_since", flat=True).first(),
    )


def find_heartbeats() -> dict[str, datetime]:
    """When each process was last seen alive."""
    return dict(Heartbeat.objects.values_list("name", "seen_at"))


@dataclass(frozen=True, slots=True)
class Overdue:
    """Messages that no worker attempts, or can't so much as begin to; and the oldest of them."""

    count: int
    pk: int
    last_error: str
    since: datetime


def find_overdue(*, now: datetime) -> Overdue | None:
    """Due for CHECK_PENDING_MINUTES, or for the time of a few sweeps where that is longer.

    There are none while workers do their work, even if every attempt fails: a claim sets the time
    of the next attempt first. But a fault of the installation (no parser, no disk) costs no
    attempt and has the next one made in a minute, over and over: its rows count from their
    arrival. A delay by a limit leaves no error. What has a head start is due since its arrival.
    """
    limit = now - max(timedelta(minutes=settings.CHECK_PENDING_MINUTES), OLD)
    never_begun = Q(attempts=0) & ~Q(last_error="")
    rows = (
        InboundEmail.objects.filter(status=Status.PENDING, received_at__lte=limit)
        .filter(Q(next_attempt_at__lte=limit) | never_begun)
        .annotate(
            since=Case(
                When(never_begun, then=Least("received_at", "next_attempt_at")),
                default=Greatest("received_at", "next_attempt_at"),
            )
        )
    )
    oldest = rows.order_by("since").values_list("pk", "last_error", "since").first()
    return Overdue(rows.count(), *oldest) if oldest else None


def find_oldest_pending(*, now: datetime) -> InboundEmail | None:
    """Due rows, without those that wait for a limit on purpose; with few columns."""
    pending = InboundEmail.objects.filter(status=Status.PENDING).order_by("received_at")
    due = pending.exclude(attempts=0, next_attempt_at__gt=now)
    return due.only("pk", "received_at", "attempts").first()
