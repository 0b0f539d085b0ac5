"""One visit to a mailbox: read it alone, store, acknowledge, process, record the result."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from incoming_email.inboxes.base import NO_RETRIES, Inbox, InboxError, Retries
from incoming_email.inboxes.opening import open_inbox
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.pipeline import claims, processing, receiving, unreadable
from incoming_email.pipeline.leasing import LeaseLostError, holding, renew
from issues.clock_skew import latest_now
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)

MANY = 20
"""Messages per batch. The next batch is fetched first, so a larger one would make a single message
wait."""

CLOCK_SLACK_SECONDS = 5
"""Tolerance for a poll that starts early: its clock is not exact to the second."""


def describe_fault(fault: InboxError) -> str:
    """What happened and what to do; sentences of ours in the active language."""
    return f"{_(fault.detail)} {_(fault.remedy)}".strip()


def fetch(
    mailbox: Mailbox,
    *,
    holder: str,
    clock: Callable[[], datetime] = timezone.now,
    on_progress: Callable[[int], object] = lambda _count: None,
    budget: Budget = UNLIMITED,
) -> int | None:
    """Ingest what waits; returns how many are new, or None while another process reads the mailbox.

    Stops when the budget is over; what is stored and not processed then is due. Raises InboxError
    when the server refuses, after recording that in the mailbox.
    """
    try:
        with visit(mailbox, holder=holder, clock=clock) as inbox:
            return ingest(
                mailbox, inbox, holder=holder, clock=clock, on_progress=on_progress, budget=budget
            )
    except LeaseLostError:
        return None


def preview(mailbox: Mailbox, *, since: datetime) -> int:
    """How many messages arrived since then, seen or not. Nothing is marked.

    Includes messages that are stored already: only their content could show that. Raises
    InboxError.
    """
    with open_inbox(mailbox.account(), since=since) as inbox:
        return inbox.count_waiting()


def backfill(
    mailbox: Mailbox,
    *,
    since: datetime,
    clock: Callable[[], datetime] = timezone.now,
    on_progress: Callable[[int], object] = lambda _count: None,
    budget: Budget = UNLIMITED,
    goes_on: bool = False,
) -> int:
    """Ingest what arrived since then, seen or not, and is not stored yet, until the budget is over;
    returns how many. `goes_on`: what is stored already is not read again.

    Without the lease, so that a watcher continues: what both read is stored once, and the position
    does not change. Also for a mailbox that is switched off. Raises InboxError.
    """
    count, retries = 0, NO_RETRIES
    if goes_on:
        stored = InboundEmail.objects.filter(mailbox=mailbox, received_at__gte=since)
        retries = Retries(later=frozenset(stored.values_list("source_id", flat=True)))
    with open_inbox(mailbox.account(), since=since) as inbox:
        batches = receiving.receive(mailbox, inbox, clock=clock, retries=retries)
        for new in _process_each(batches, clock, budget):
            count += new
            on_progress(new)
    logger.info("backfilled mailbox=%s new=%s", mailbox.pk, count)
    return count


def postpone_poll(mailbox: Mailbox, *, seconds: int, now: datetime) -> None:
    """Beat has it not polled before then, as somebody goes on reading it meanwhile."""
    later = now + timedelta(seconds=seconds)
    Mailbox.objects.filter(pk=mailbox.pk).update(next_poll_at=later)


def start_from(mailbox: Mailbox, moment: datetime) -> None:
    """Skip mail that arrived before; what is stored already stays."""
    Mailbox.objects.filter(pk=mailbox.pk).update(starts_at=moment)


@contextmanager
def visit(
    mailbox: Mailbox, *, holder: str, clock: Callable[[], datetime] = timezone.now
) -> Iterator[Inbox]:
    """Hold the mailbox's lease and an open connection; note success or failure in the row.

    Raises LeaseLostError, InboxError.
    """
    with holding(mailbox, holder=holder, clock=clock), _noting_failure(mailbox, clock):
        receiving.check_space()
        mailbox.refresh_from_db(fields=["position"])  # the previous reader may have moved it
        with open_inbox(mailbox.account(), position=mailbox.position) as inbox:
            # Before anything is read: a reading that is broken off goes on from where it began.
            receiving.keep_position(mailbox, inbox)
            yield inbox


@contextmanager
def _noting_failure(mailbox: Mailbox, clock: Callable[[], datetime]) -> Iterator[None]:
    try:
        yield
    except LeaseLostError:
        raise
    except InboxError as error:
        _note_failure(mailbox, error, now=clock())
        raise
    except Exception as fault:  # a bug of ours, but the mailbox is not read all the same
        with suppress(DatabaseError, InterfaceError):  # the exception may come from the database
            _note_failure(mailbox, _as_inbox_error(fault), now=clock())
        raise


def ingest(
    mailbox: Mailbox,
    inbox: Inbox,
    *,
    holder: str,
    clock: Callable[[], datetime],
    on_progress: Callable[[int], object] = lambda _count: None,
    budget: Budget = UNLIMITED,
) -> int:
    """Store and process what is unread over an open connection, until the budget is over; return
    how many are new."""
    count = 0
    retries = unreadable.find_retries(mailbox, now=clock())
    batches = receiving.receive(mailbox, inbox, clock=clock, retries=retries)
    for new in _process_each(batches, clock, budget):
        count += new
        on_progress(new)
        renew(mailbox, holder=holder, now=clock())
        # A long backlog is no mailbox that nobody reads.
        Mailbox.objects.filter(pk=mailbox.pk).update(last_success_at=clock())
    _note_success(mailbox, inbox, now=clock())
    if count:
        logger.info("fetched mailbox=%s new=%s", mailbox.pk, count)
    return count


def _process_each(
    batches: Iterator[list[InboundEmail]], clock: Callable[[], datetime], budget: Budget
) -> Iterator[int]:
    """Process batch by batch until the budget is over; yields how many each had. What is known
    already uses up no budget: another visit would begin with it again.

    Where many wait, the next batch is ingested while the parser reads this one. A failure to ingest
    does not stop the processing of what was ingested.
    """
    rows, taken = next(batches, None), 0
    while rows is not None:
        taken += len(rows)
        left = budget if taken else UNLIMITED
        if len(rows) < MANY or budget.is_over():
            with claims.held(rows):
                processing.process_claimed(rows, clock=clock, budget=budget)
            yield len(rows)
            rows = _find_next(batches, left)
            continue
        with claims.held(rows):
            emails = processing.begin_reading(rows)
            try:
                following = _find_next(batches, left)
            finally:
                processing.process_claimed(rows, clock=clock, emails=emails, budget=budget)
        yield len(rows)
        rows = following


def _find_next(batches: Iterator[list[InboundEmail]], budget: Budget) -> list[InboundEmail] | None:
    return None if budget.is_over() else next(batches, None)


def _note_success(mailbox: Mailbox, inbox: Inbox, *, now: datetime) -> None:
    pause = timedelta(seconds=max(0, mailbox.poll_interval - CLOCK_SLACK_SECONDS))
    polling = mailbox.method and mailbox.method.polling
    receiving.keep_position(mailbox, inbox)
    Mailbox.objects.filter(pk=mailbox.pk).update(
        last_success_at=now,
        last_error="",
        failing_since=None,
        next_poll_at=now + pause if polling and polling.by_interval else None,
        server_notice=inbox.notice,
    )


def _as_inbox_error(fault: Exception) -> InboxError:
    """By its type alone: its text may quote a mail."""
    with override(settings.LANGUAGE_CODE):
        detail = _("Letterbox itself failed while it read the mailbox (%(fault)s).")
        remedy = _("The log of the worker or the watcher says where. The mail is kept meanwhile.")
        return InboxError(detail % {"fault": type(fault).__name__}, remedy=remedy)


def _note_failure(mailbox: Mailbox, error: InboxError, *, now: datetime) -> None:
    logger.warning("fetch failed mailbox=%s error=%s", mailbox.pk, error.detail)
    row = Mailbox.objects.filter(pk=mailbox.pk)
    pause = now + timedelta(seconds=error.retry_after) if error.retry_after else None
    with override(settings.LANGUAGE_CODE):  # whoever asked for the visit, all read it
        row.update(last_error=describe_fault(error), next_poll_at=pause)
    wrong = Q(failing_since__gt=latest_now(now))
    row.filter(Q(failing_since=None) | wrong).update(failing_since=now)
