"""What a person can do with a row of the ledger: process again, release, discard."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from incoming_email.models import NOT_READ, InboundEmail
from incoming_email.outcomes import Reason, Status

BATCH = 500
ENDED_WITHOUT_EFFECT = (Status.REJECTED, Status.IGNORED, Status.FAILED)


@transaction.atomic
def requeue(ids: Sequence[int], *, now: datetime) -> list[int]:
    """Bring back to PENDING what ended without an effect and is still whole; return which."""
    rows = _lock(ids).filter(status__in=ENDED_WITHOUT_EFFECT, raw_purged_at=None)
    rows = rows.exclude(reason__in=NOT_READ)
    found = list(rows.values_list("pk", flat=True))
    InboundEmail.objects.filter(pk__in=found).update(**_due(now))
    return found


def ask_again(ids: Sequence[int], *, now: datetime) -> list[int]:
    """Have what a mail server could not hand over asked for at the next visit to its mailbox;
    return which."""
    rows = InboundEmail.objects.filter(
        pk__in=ids, status=Status.FAILED, reason=Reason.UNREADABLE_ON_SERVER
    )
    found = list(rows.values_list("pk", flat=True))
    rows.filter(pk__in=found).update(next_attempt_at=now)
    return found


def requeue_failed(*, version: str, now: datetime) -> Iterator[list[int]]:
    """All that an earlier version failed at, in batches that are committed one by one."""
    while True:
        failed = InboundEmail.objects.failed_before(version).order_by("pk")
        changed = requeue(list(failed.values_list("pk", flat=True)[:BATCH]), now=now)
        if not changed:
            return
        yield changed


@transaction.atomic
def release(ids: Sequence[int], *, now: datetime) -> list[int]:
    """Release held rows: the rule that held them is waived from now on."""
    held = _lock(ids).filter(status=Status.HELD)
    released = list(held.values_list("pk", "held_rule", "waived_rules"))
    for pk, rule, waived in released:
        rules = sorted({*waived, rule})
        InboundEmail.objects.filter(pk=pk).update(waived_rules=rules, **_due(now))
    return [pk for pk, _rule, _waived in released]


@transaction.atomic
def discard(ids: Sequence[int], *, now: datetime) -> list[int]:
    """End held rows without an effect; the sender is not notified."""
    held = _lock(ids).filter(status=Status.HELD)
    discarded = list(held.values_list("pk", flat=True))
    InboundEmail.objects.filter(pk__in=discarded).update(
        status=Status.IGNORED, reason=Reason.DISCARDED, finished_at=now
    )
    return discarded


def _lock(ids: Sequence[int]) -> QuerySet[InboundEmail]:
    """By one order, or two people with the same rows might wait for each other."""
    return InboundEmail.objects.select_for_update().filter(pk__in=ids).order_by("pk")


def _due(now: datetime) -> dict[str, Any]:
    """Columns of a row that is attempted anew. What the last attempt found out stays until then,
    and so does when it was counted for a limit."""
    return {
        "status": Status.PENDING,
        "reason": "",
        "held_rule": "",
        "finished_at": None,
        "duplicate_of": None,
        "last_error": "",
        "attempts": 0,
        "next_attempt_at": now,
        "trace_purged_at": None,
    }
