"""What waits at each stage, from a stored message to the mails that follow from it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Min, QuerySet
from django.db.models.functions import Now

from incoming_email.models import InboundEmail, WebhookAlert
from incoming_email.outcomes import Status
from issues.models import Announcement, OutgoingEmail
from issues.models.outgoing import OWED_SINCE


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    waiting: int
    oldest: datetime | None
    """When the one that has waited longest came."""


def find_stages() -> list[Stage]:
    """One query each, of the few rows that are not done."""
    return [
        _count("process", InboundEmail.objects.filter(status=Status.PENDING), "received_at"),
        _count("review", InboundEmail.objects.held(), "received_at"),
        _count("announce", Announcement.objects.owed(), "created_at"),
        _count("deliver", OutgoingEmail.objects.owed(Now()), OWED_SINCE),
        _count("alert", WebhookAlert.objects.filter(posted_at=None), "since"),
    ]


def _count(name: str, rows: QuerySet, since: str | Case) -> Stage:  # type: ignore[type-arg]  # any model
    found = rows.order_by().aggregate(waiting=Count("*"), oldest=Min(since))
    return Stage(name, found["waiting"], found["oldest"])


def count_by_status() -> Counter[str]:
    """All rows of the ledger, by an index."""
    rows = InboundEmail.objects.order_by().values_list("status").annotate(n=Count("*"))
    return Counter(dict(rows))


def count_outgoing() -> Counter[str]:
    """All rows of outgoing mail, by an index."""
    rows = OutgoingEmail.objects.order_by().values_list("state").annotate(n=Count("*"))
    return Counter(dict(rows))
