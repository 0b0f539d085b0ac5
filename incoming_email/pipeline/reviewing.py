"""What a person may do with a row of the ledger: process again, release, discard."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction

from incoming_email.models import FOUND_OUT, InboundEmail
from incoming_email.outcomes import Reason, Status

BATCH = 500
ENDED_WITHOUT_EFFECT = (Status.REJECTED, Status.IGNORED, Status.FAILED)


@transaction.atomic
def requeue(ids: Sequence[int], *, now: datetime) -> list[int]:
    """Bring back to PENDING what ended without an effect and is still whole; return which."""
    rows = InboundEmail.objects.select_for_update().filter(
        pk__in=ids, status__in=ENDED_WITHOUT_EFFECT, raw_purged_at=None
    )
    return [_bring_back(row, now=now) for row in rows.defer("raw")]


def requeue_failed(*, version: str, now: datetime) -> Iterator[list[int]]:
    """All that an earlier version gave up, in batches that are committed one by one."""
    while True:
        failed = InboundEmail.objects.failed_before(version).order_by("pk")
        changed = requeue(list(failed.values_list("pk", flat=True)[:BATCH]), now=now)
        if not changed:
            return
        yield changed


@transaction.atomic
def release(ids: Sequence[int], *, now: datetime) -> list[int]:
    """Let held rows through: the rule that held them is waived from now on."""
    held = InboundEmail.objects.select_for_update().filter(pk__in=ids, status=Status.HELD)
    released = []
    for row in held.defer("raw"):
        row.waived_rules = sorted({*row.waived_rules, row.held_rule})
        released.append(_bring_back(row, now=now))
    return released


@transaction.atomic
def discard(ids: Sequence[int], *, now: datetime) -> list[int]:
    """End held rows without an effect; the sender is not told."""
    held = InboundEmail.objects.select_for_update().filter(pk__in=ids, status=Status.HELD)
    discarded = []
    for row in held.defer("raw"):
        row.save_as(Status.IGNORED, now=now, reason=Reason.DISCARDED)
        discarded.append(row.pk)
    return discarded


def _bring_back(row: InboundEmail, *, now: datetime) -> int:
    row.attempts, row.next_attempt_at = 0, now
    row.status, row.reason, row.held_rule = Status.PENDING, "", ""
    row.finished_at, row.duplicate_of, row.last_error = None, None, ""
    row.trace_purged_at = None  # the new attempt writes a new one
    also = ("attempts", "next_attempt_at", "last_error", "trace_purged_at")
    row.save(update_fields=[*FOUND_OUT, *also])
    return int(row.pk)
