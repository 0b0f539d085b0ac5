"""Messages that a mail server could not hand over: a row each, and when each is tried again.

The row is FAILED and has no bytes. Once the message can be read the same row gets them, and is
processed as any other (`receiving.store`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from incoming_email.inboxes.base import RawMessage, Retries
from incoming_email.models import NOT_READ, InboundEmail, Mailbox
from incoming_email.outcomes import Reason, Status
from incoming_email.versions import find_version

FIRST_PAUSE = timedelta(minutes=1)
LAST_PAUSE = timedelta(days=1)
MOST_AT_ONCE = 5
"""Messages tried again in one visit. Each may take as long as the server's time-out."""

TRIES_WHILE_SCANNED = 6
"""After an hour a message is taken with what the virus scanner has left of it."""

LAST_ERROR_LENGTH = 1000
NO_DIGEST = ""
"""The digest of a row that has no bytes yet."""


def find_retries(mailbox: Mailbox, *, now: datetime) -> Retries:
    """What to try again in this visit, those that wait longest first, and what to pass over."""
    rows = InboundEmail.objects.filter(
        mailbox=mailbox, status=Status.FAILED, reason=Reason.UNREADABLE_ON_SERVER
    )
    found = list(
        rows.order_by("next_attempt_at", "pk").values_list(
            "source_id", "next_attempt_at", "attempts"
        )
    )
    # A clock that jumped must not put a message off for longer than the longest pause.
    due = [row for row in found if not now < row[1] <= now + LAST_PAUSE][:MOST_AT_ONCE]
    names = tuple(source_id for source_id, _due_at, _tries in due)
    return Retries(
        due=names,
        later=frozenset(row[0] for row in found) - set(names),
        as_they_are=frozenset(row[0] for row in due if row[2] >= TRIES_WHILE_SCANNED),
    )


def note(mailbox: Mailbox, messages: Sequence[RawMessage], *, now: datetime) -> None:
    """Commit a row for each of these messages, which have a fault; or another try of its row."""
    for message in messages:
        with transaction.atomic(durable=True):
            if not _note_again(mailbox, message, now=now) and not message.is_gone:
                _create(mailbox, message, now=now)


def _note_again(mailbox: Mailbox, message: RawMessage, *, now: datetime) -> bool:
    """False where there is no row of this message, whatever its status."""
    rows = InboundEmail.objects.select_for_update().filter(mailbox=mailbox)
    row = rows.filter(source_id=message.source_id).only("pk", "attempts", "reason").first()
    if row is None:
        return False
    reason = Reason.GONE_FROM_SERVER if message.is_gone else Reason.UNREADABLE_ON_SERVER
    tries = row.attempts + 1
    InboundEmail.objects.filter(pk=row.pk, status=Status.FAILED, reason__in=NOT_READ).update(
        reason=reason,
        attempts=min(tries, 1000),
        next_attempt_at=now + pause_after(tries),
        last_error=message.fault[:LAST_ERROR_LENGTH],
        finished_at=now,
        version=find_version(),
    )
    return True


def _create(mailbox: Mailbox, message: RawMessage, *, now: datetime) -> None:
    row = InboundEmail(
        mailbox=mailbox,
        source_id=message.source_id,
        digest=NO_DIGEST,
        received_at=now,
        status=Status.FAILED,
        reason=Reason.UNREADABLE_ON_SERVER,
        attempts=1,
        next_attempt_at=now + pause_after(1),
        finished_at=now,
        last_error=message.fault[:LAST_ERROR_LENGTH],
        version=find_version(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # another process has noted it
        if not InboundEmail.objects.filter(mailbox=mailbox, source_id=row.source_id).exists():
            raise


def pause_after(tries: int) -> timedelta:
    """A minute, doubled with each try, up to a day."""
    return min(FIRST_PAUSE * 2.0 ** min(tries - 1, 30), LAST_PAUSE)


def fill(row: InboundEmail) -> bool:
    """Give the bytes of this new row to the one that waits for them; False where none does.

    The row is the stored one afterwards.
    """
    waiting = InboundEmail.objects.filter(
        mailbox=row.mailbox, source_id=row.source_id, status=Status.FAILED, reason__in=NOT_READ
    )
    pk = waiting.values_list("pk", flat=True).first()
    if pk is None:
        return False
    columns = (
        *("recipient", "content", "oversize", "digest", "received_at", "attempts"),
        *("next_attempt_at", "version"),
    )
    with transaction.atomic(durable=True):
        InboundEmail.objects.store_contents([row])
        given = {column: getattr(row, column) for column in columns}
        is_ours = waiting.filter(pk=pk).update(
            **given,
            status=Status.PENDING,
            reason="",
            finished_at=None,
            last_error="",
            raw_purged_at=None,
            trace_purged_at=None,
        )
        if not is_ours:
            transaction.set_rollback(True)
    if is_ours:
        row.pk, row._state.adding = pk, False
    return bool(is_ours)
