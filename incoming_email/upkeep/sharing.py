"""Bytes of messages in rows of earlier versions move to the table that stores each message once."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Length

from incoming_email.models import HAS_OWN_RAW, InboundEmail, MessageContent
from incoming_email.outcomes import Status
from issues.stopping import UNLIMITED, Budget

BATCH_ROWS = 50
BATCH_BYTES = 2_000_000
"""A batch ends with the message that passes this."""


def share_contents(*, budget: Budget = UNLIMITED) -> int:
    """Until none is left or the budget is over; return how many were moved. Those that wait for a
    worker are left alone, since it may be reading them."""
    moved = last = 0
    while pks := _find_batch(after=last):
        moved += _share(pks)
        if budget.is_over():
            break
        last = pks[-1]
    return moved


def _find_batch(*, after: int) -> list[int]:
    rows = InboundEmail.objects.filter(HAS_OWN_RAW, pk__gt=after).exclude(status=Status.PENDING)
    sizes = rows.order_by("pk").values_list("pk", Length("own_raw"))[:BATCH_ROWS]
    return list(_take(sizes))


def _take(sizes: Iterable[tuple[int, int]]) -> Iterator[int]:
    total = 0
    for pk, size in sizes:
        yield pk
        total += size
        if total > BATCH_BYTES:
            return


@transaction.atomic
def _share(pks: Sequence[int]) -> int:
    """Passes over those that somebody has changed meanwhile."""
    locked = InboundEmail.objects.select_for_update().filter(HAS_OWN_RAW, pk__in=pks)
    read = locked.exclude(status=Status.PENDING).only("content", "own_raw", "digest").order_by("pk")
    # The digest names the content from now on, so it must be right.
    rows = [row for row in read if hashlib.sha256(row.raw).hexdigest() == row.digest]
    if not rows:
        return 0
    InboundEmail.objects.store_contents(rows)
    content = MessageContent.objects.filter(digest=OuterRef("digest")).values("pk")
    moved = InboundEmail.objects.filter(pk__in=[row.pk for row in rows])
    return moved.update(content=Subquery(content), own_raw=b"")
