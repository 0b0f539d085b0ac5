"""The end of retention: what has been kept long enough is removed, batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.expressions import Combinable

from incoming_email.models import (
    LEDGER_COLUMNS,
    InboundEmail,
    Kept,
    Mailbox,
    MessageContent,
    RefusedRecipient,
)
from incoming_email.models.ledger_columns import find_emptied
from incoming_email.outcomes import Reason, Status
from issues import services
from issues.models import Upload
from issues.stopping import UNLIMITED, Budget

BATCH_ROWS = 500
ENDED = (Status.PROCESSED, Status.REJECTED, Status.IGNORED)
"""PENDING and HELD keep everything, since they are still to be processed. FAILED has its own
kind."""


@dataclass(frozen=True, slots=True)
class Purged:
    mailbox: str
    kept: Kept
    days: int
    count: int
    """Rows, or files; in a dry run those that would be."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to purge."""

    kinds: Sequence[Kept] = tuple(Kept)
    mailbox: str = ""
    """Its name; empty for all."""

    days: int = 0
    """Age, instead of what mailbox and settings say; 0 for what they say."""

    dry_run: bool = False


def purge(wanted: Wanted, *, now: datetime, budget: Budget = UNLIMITED) -> Iterator[Purged]:
    """Remove what is older than it is to be kept, at least a batch and until the budget is over.

    Each batch commits by itself. Rows keep number, ids and digests, so that nothing comes twice.
    """
    mailboxes = Mailbox.objects.order_by("name")
    for mailbox in mailboxes.filter(name=wanted.mailbox) if wanted.mailbox else mailboxes:
        for kept in wanted.kinds:
            days = wanted.days or mailbox.keep_days(kept)
            if days:
                before = now - timedelta(days=days)
                count = 0
                for done in _PURGERS[kept](mailbox, before, now, wanted.dry_run):
                    count += done
                    if budget.is_over():
                        break
                yield Purged(mailbox.name, kept, days, count)
                if count and budget.is_over():
                    return


def purge_refusals(*, now: datetime) -> int:
    """Remove refused recipients that are older than KEEP_REFUSALS_DAYS; return how many."""
    days: int = settings.KEEP_REFUSALS_DAYS
    if not days:
        return 0
    return RefusedRecipient.objects.filter(at__lt=now - timedelta(days=days)).delete()[0]


def discard_spam(*, now: datetime, budget: Budget = UNLIMITED) -> int:
    """Discard held spam that came before KEEP_SPAM_DAYS, batch by batch; return how much."""
    days: int = settings.KEEP_SPAM_DAYS
    if not days:
        return 0
    old = InboundEmail.objects.held_spam().filter(received_at__lt=now - timedelta(days=days))
    count = 0
    while not (count and budget.is_over()):
        batch = list(old.order_by("received_at").values_list("pk", flat=True)[:BATCH_ROWS])
        if not batch:
            break
        count += old.filter(pk__in=batch).update(
            status=Status.IGNORED, reason=Reason.DISCARDED, finished_at=now
        )
    return count


def _purge_raw(mailbox: Mailbox, before: datetime, now: datetime, dry_run: bool) -> Iterator[int]:
    rows = _old(mailbox, before).filter(raw_purged_at=None, status__in=ENDED)
    return _empty(rows, dry_run=dry_run, **_emptied(Kept.RAW), raw_purged_at=now)


def _purge_failed(
    mailbox: Mailbox, before: datetime, now: datetime, dry_run: bool
) -> Iterator[int]:
    rows = _old(mailbox, before).filter(raw_purged_at=None, status=Status.FAILED)
    return _empty(rows, dry_run=dry_run, **_emptied(Kept.RAW), raw_purged_at=now)


def _purge_trace(mailbox: Mailbox, before: datetime, now: datetime, dry_run: bool) -> Iterator[int]:
    rows = _old(mailbox, before).filter(trace_purged_at=None, status__in=(*ENDED, Status.FAILED))
    return _empty(rows, dry_run=dry_run, **_emptied(Kept.TRACE), trace_purged_at=now)


def _emptied(kept: Kept) -> dict[str, object]:
    return find_emptied(column for column in LEDGER_COLUMNS if column.kept == kept)


def _old(mailbox: Mailbox, before: datetime) -> QuerySet[InboundEmail]:
    return InboundEmail.objects.filter(mailbox=mailbox, received_at__lt=before)


def _empty(rows: QuerySet[InboundEmail], *, dry_run: bool, **changes: object) -> Iterator[int]:
    """The UPDATE checks the condition again: a person may requeue a row in between. Bytes go with
    the last row that has them, so the longest retention decides."""
    if dry_run:
        yield rows.count()
        return
    oldest = rows.order_by("received_at").values_list("pk", "content")
    while batch := list(oldest[:BATCH_ROWS]):
        with transaction.atomic():
            count = rows.filter(pk__in=[pk for pk, _content in batch]).update(**changes)
            if "content" in changes:
                MessageContent.objects.remove_unused([content for _pk, content in batch])
        yield count


def _purge_attachments(
    mailbox: Mailbox, before: datetime, _now: datetime, dry_run: bool
) -> Iterator[int]:
    files = Upload.objects.filter(created_at__lt=before).filter(_came_by(mailbox)).order_by("pk")
    if dry_run:
        yield files.count()
        return
    last = 0
    while batch := list(files.filter(pk__gt=last)[:BATCH_ROWS]):
        yield services.remove_uploads(uploads=batch)
        last = batch[-1].pk


def _came_by(mailbox: Mailbox) -> Combinable:
    """On a note that a message became; or on an item that one opened, and so without a note."""
    made = InboundEmail.objects.filter(mailbox=mailbox, status=Status.PROCESSED)
    opened = made.filter(note=None)
    return (
        Exists(made.filter(note=OuterRef("note")))
        | Exists(opened.filter(issue=OuterRef("issue")))
        | Exists(opened.filter(merge_request=OuterRef("merge_request")))
    )


_PURGERS: dict[Kept, Callable[[Mailbox, datetime, datetime, bool], Iterator[int]]] = {
    Kept.RAW: _purge_raw,
    Kept.FAILED: _purge_failed,
    Kept.TRACE: _purge_trace,
    Kept.ATTACHMENTS: _purge_attachments,
}
