"""The results of the probes of a mailbox, and the end of their history."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import OuterRef, Subquery

from incoming_email.models import BAD_STATES, Mailbox, Probe, ProbeState
from issues.stopping import UNLIMITED, Budget

BATCH_ROWS = 500


def find_last(mailbox: Mailbox, count: int) -> Sequence[Probe]:
    """The newest first."""
    rows = Probe.objects.filter(mailbox=mailbox).select_related("mailbox")
    return list(rows.order_by("-created_at", "-pk")[:count])


def find_newest() -> dict[int, Probe]:
    """By mailbox with scheduled probes, the newest that is back or late; in one query."""
    judged = Probe.objects.filter(mailbox=OuterRef("pk"), is_scheduled=True)
    newest = judged.exclude(state=ProbeState.WAITING).order_by("-created_at", "-pk")
    mailboxes = Mailbox.objects.filter(enabled=True)
    if not settings.PROBE_MINUTES:
        mailboxes = mailboxes.filter(probe_minutes__gt=0)
    picked = mailboxes.exclude(probe_minutes=0).values(found=Subquery(newest.values("pk")[:1]))
    rows = Probe.objects.filter(pk__in=picked).select_related("mailbox")
    return {probe.mailbox_id: probe for probe in rows}


def count_failing() -> int:
    """The number of mailboxes whose scheduled probes are late or missing."""
    return sum(probe.state in BAD_STATES for probe in find_newest().values())


def purge_old(*, now: datetime, budget: Budget = UNLIMITED) -> int:
    """Delete old probes, until the budget is over. Their mails and ledger rows stay until their own
    retention ends."""
    days, count = settings.KEEP_PROBES_DAYS, 0
    if not days:
        return 0
    old = Probe.objects.filter(created_at__lt=now - timedelta(days=days))
    while not budget.is_over():
        ids = list(old.order_by("created_at").values_list("pk", flat=True)[:BATCH_ROWS])
        if not ids:
            break
        count += Probe.objects.filter(pk__in=ids).delete()[0]
    return count
