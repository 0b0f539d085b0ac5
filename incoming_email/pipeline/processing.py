"""From a ledger row to its effect: claim, parse, decide, act, record."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import chain, islice

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.utils import timezone

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Held, Ignored, Reason, Rejected, Status
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline import acting, notices
from incoming_email.pipeline.attempts import (
    Attempt,
    clear_outcome,
    describe,
    find_first_copy,
    make_attempt,
)
from incoming_email.pipeline.grouping import act_together
from incoming_email.pipeline.isolation.reading import RawText, parse_all
from incoming_email.pipeline.limiting import Delayed
from incoming_email.pipeline.resolving import Step, look_up
from incoming_email.sender_auth import check_where_asked
from issues import connections, outbox, repositories, uploads

logger = logging.getLogger(__name__)
STATUS_OF = {Ignored: Status.IGNORED, Rejected: Status.REJECTED, Held: Status.HELD}
GROUP = 50
"""Messages that may share a transaction: as many as a batch has, few enough to end it soon."""

SWEEP_AFTER = timedelta(seconds=60)
"""A row that is due for less has most likely a task on its way."""

MOST_FAULTS_IN_A_ROW = 3
"""When an attempt could not even be made at so many rows, the cause is not the messages, and each
further row would lose an attempt to it."""


def process(inbound_email_id: int, *, clock: Callable[[], datetime] = timezone.now) -> bool:
    """Make one attempt at the message; False where it is not due or somebody else's.

    Raises what kept the attempt from being made, and stores it as the row's last error.
    """
    with _faults_noted([inbound_email_id]):
        if not InboundEmail.objects.claim(inbound_email_id, now=clock()):
            return False
        row = InboundEmail.objects.select_related("mailbox").get(pk=inbound_email_id)
    process_claimed([row], clock=clock)
    return True


def process_each(ids: Iterable[int], *, clock: Callable[[], datetime] = timezone.now) -> int:
    """Make one attempt at each that is due; return how many that were.

    Raises nothing: what kept an attempt from being made is logged, and the next row is tried, up
    to MOST_FAULTS_IN_A_ROW. The rows after that stay due.
    """
    done = faults = 0
    for pk in ids:
        try:
            done += process(pk, clock=clock)
            faults = 0
        except Exception:  # whatever it is, the other rows must have their attempt
            faults += 1
            logger.exception("no attempt could be made inbound_email=%s", pk)
            if faults == MOST_FAULTS_IN_A_ROW:
                logger.warning("the other messages that are due wait for the next sweep")
                break
    return done


def process_claimed(
    rows: Sequence[InboundEmail],
    *,
    clock: Callable[[], datetime],
    emails: Iterator[ParsedEmail] | None = None,
) -> None:
    """Make one attempt at each of these messages, which the caller has claimed.

    Look-ups are made once a group. What its handler can do quickly is done for many messages in
    one transaction; each of the others has its own, and none stops the rest. Rows of one call
    belong to one mailbox; `emails` is what `begin_reading` gave for them. Raises what goes wrong
    outside of an attempt, such as in a look-up, and stores it as the last error of the rows that
    have not had theirs.
    """
    if not rows:
        return
    mailbox = rows[0].mailbox
    waiting = {row.pk for row in rows}
    with outbox.one_kick(), _faults_noted(waiting):
        for group in _prepare(rows, mailbox, emails or _read(rows), now=clock()):
            done = act_together(group, mailbox) if len(group) > 1 else set()
            for attempt in group:
                waiting.discard(attempt.row.pk)
                if attempt.row.pk in done:
                    _log_end(attempt.row)
                else:
                    with connections.unit_of_work():
                        _attempt(attempt, mailbox)


def begin_reading(rows: Sequence[InboundEmail]) -> Iterator[ParsedEmail]:
    """What `process_claimed` will need: the parser's child has them, and goes on by itself as far
    as its pipes reach while the caller does something else. There must be at least one."""
    emails = _read(rows)
    return chain([next(emails)], emails)


def _read(rows: Sequence[InboundEmail]) -> Iterator[ParsedEmail]:
    return parse_all([RawText(bytes(row.raw), row.recipient) for row in rows])


def due_ids(*, now: datetime) -> list[int]:
    """Rows whose attempt is overdue: retries, and what a crash or a lost broker left behind."""
    due = InboundEmail.objects.due(now - SWEEP_AFTER).order_by("next_attempt_at", "pk")
    return list(due.values_list("pk", flat=True)[: settings.SWEEP_BATCH])


def give_up_exhausted(*, now: datetime) -> int:
    """Mark as failed what has used up its attempts; return how many."""
    return InboundEmail.objects.exhausted(now).update(status=Status.FAILED, finished_at=now)


def try_out(row: InboundEmail, *, now: datetime) -> None:
    """Fill in the unsaved row as an attempt would, and leave no trace anywhere.

    All that a handler does is done in a transaction that is rolled back; files are not written
    and mail is not enqueued, since both wait for a commit.
    """
    ((attempt,),) = _prepare([row], row.mailbox, _read([row]), now=now)
    describe(attempt)
    decision: Ignored | Rejected | Held | Delayed | None = None
    with uploads.discarded(), repositories.discarded(), outbox.one_kick(), transaction.atomic():
        try:
            acting.carry_out(attempt, row.mailbox)
        except (Ignored, Rejected, Held, Delayed) as refusal:
            decision = refusal
        transaction.set_rollback(True)
    row.status = Status.PENDING if isinstance(decision, Delayed) else Status.PROCESSED
    if row.effect_key and (first := InboundEmail.objects.filter(effect_key=row.effect_key).first()):
        clear_outcome(row)
        row.status, row.reason, row.duplicate_of = Status.IGNORED, Reason.DUPLICATE, first
    elif isinstance(decision, Ignored | Rejected | Held):
        clear_outcome(row)
        row.status, row.reason = STATUS_OF[type(decision)], decision.reason


def _prepare(
    rows: Sequence[InboundEmail], mailbox: Mailbox, emails: Iterator[ParsedEmail], *, now: datetime
) -> Iterator[list[Attempt]]:
    """In groups; the parser's child goes on with the next ones while one is acted on."""
    template = mailbox.template
    for start in range(0, len(rows), GROUP):
        group = rows[start : start + GROUP]
        read = list(islice(emails, len(group)))
        connections.validate()  # reading them may have taken minutes
        known = look_up(read, template)
        signatures = check_where_asked(mailbox, group, read)
        yield [
            make_attempt(row, email, known=known, signatures=found, now=now)
            for row, email, found in zip(group, read, signatures, strict=True)
        ]


def _attempt(attempt: Attempt, mailbox: Mailbox) -> None:
    """Act and record, or record why not. A fault leaves the row pending, to be tried again."""
    row = attempt.row
    attempt.trace.clear()
    try:
        describe(attempt)
        try:
            acting.act(attempt, mailbox)
        except IntegrityError:
            if not _end_as_duplicate(attempt):
                raise
        except (Ignored, Rejected, Held) as decision:
            _record_refusal(attempt, decision)
        except Delayed as delay:
            _postpone(attempt, delay)
    except acting.NotPendingError:
        logger.info("ended elsewhere inbound_email=%s", row.pk)
    except Exception as fault:  # the one place where a fault of any kind becomes a retry
        logger.exception("attempt failed inbound_email=%s attempt=%s", row.pk, row.attempts)
        connections.validate()
        _note_fault([row.pk], fault, trace=attempt.trace)
    else:
        _log_end(row)


@contextmanager
def _faults_noted(waiting: Collection[int]) -> Iterator[None]:
    """Stores an exception as the last error of these rows and raises it again; the caller logs it.

    `waiting` may shrink meanwhile.
    """
    try:
        yield
    except Exception as fault:
        with suppress(DatabaseError, InterfaceError):  # the exception may come from the database
            _note_fault(waiting, fault)
        raise


def _note_fault(ids: Collection[int], fault: Exception, **found: list[Step]) -> None:
    """Store it as the last error of those that are still pending.

    PostgreSQL takes neither NUL nor a lone surrogate in a text.
    """
    words = f"{type(fault).__name__}: {fault}".replace("\0", "\N{REPLACEMENT CHARACTER}")
    InboundEmail.objects.filter(pk__in=ids, status=Status.PENDING).update(
        last_error=words.encode(errors="replace").decode()[:1000], **found
    )


def _log_end(row: InboundEmail) -> None:
    logger.info("processed inbound_email=%s status=%s reason=%s", row.pk, row.status, row.reason)


def _end_as_duplicate(attempt: Attempt) -> bool:
    """End the row as a copy of what acted before; False where the conflict was another one."""
    row = attempt.row
    if row.effect_key is None:  # the fault came before the decision; NULL is no key to look for
        return False
    first = InboundEmail.objects.filter(effect_key=row.effect_key).only("pk").first()
    if first is None:
        return False
    clear_outcome(row)
    row.duplicate_of, row.counted_at = first, None
    attempt.trace.append({"step": "duplicate", "result": f"acted on as inbound email {first.pk}"})
    with transaction.atomic(durable=True):
        acting.lock([row])
        row.save_as(Status.IGNORED, now=attempt.context.now, reason=Reason.DUPLICATE)
    return True


def _postpone(attempt: Attempt, delay: Delayed) -> None:
    with transaction.atomic(durable=True):
        acting.lock([attempt.row])
        attempt.row.save_delayed(delay.until)


def _record_refusal(attempt: Attempt, decision: Ignored | Rejected | Held) -> None:
    """The word to the sender, if there is one, is written with the row."""
    # A copy finds done what its first one did, and must not be answered for that.
    if _end_as_duplicate(attempt):
        return
    row, now = attempt.row, attempt.context.now
    clear_outcome(row)
    with transaction.atomic(durable=True):
        acting.lock([row])
        if isinstance(decision, Rejected):
            sent = notices.write_rejection(
                row,
                attempt.email,
                decision,
                signatures=attempt.context.signatures,
                now=now,
            )
            attempt.trace.append({"step": "notice", "result": sent})
        elif isinstance(decision, Held):
            row.held_rule = decision.rule
            sent = notices.write_held(row, attempt.email, decision, now=now)
            attempt.trace.append({"step": "notice", "result": sent})
        elif decision.reason == Reason.DUPLICATE:
            row.duplicate_of = find_first_copy(row)
        row.save_as(STATUS_OF[type(decision)], now=now, reason=decision.reason)
