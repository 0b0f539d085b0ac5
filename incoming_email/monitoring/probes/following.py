"""How far a probe has come, read from outbox and ledger and stored in its row."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Coalesce, Length

from incoming_email.keys import probe_keys
from incoming_email.models import (
    OPEN_STATES,
    InboundEmail,
    Leg,
    Mailbox,
    Probe,
    ProbeState,
)
from incoming_email.outcomes import Reason, Status
from issues import outbox
from issues.models import OutgoingEmail

logger = logging.getLogger(__name__)
CLOCK_SLACK = timedelta(minutes=5)
"""The machine that ingests mail may have another clock than the one that wrote the probe."""

MOST_UNFINISHED = 20
MOST_BYTES = 50_000
"""Rows that are examined for a probe that nobody has processed; a probe is a small mail."""


@dataclass(frozen=True, slots=True)
class Course:
    """When each part of the round trip was over, and where it stopped."""

    sent_at: datetime | None = None
    received_at: datetime | None = None
    processed_at: datetime | None = None
    inbound_id: int | None = None
    stopped_in: Leg | None = None
    """None once it is processed."""

    fault: str = ""
    """The last error of that part, where there is one."""


def follow_open(*, now: datetime) -> int:
    """Update the open ones; returns how many of them changed their state."""
    rows = Probe.objects.filter(state__in=OPEN_STATES).select_related("mailbox", "outgoing")
    return sum(_note(probe, follow(probe), now=now) for probe in rows.order_by("created_at"))


def follow(probe: Probe) -> Course:
    """Reads only."""
    outgoing = probe.outgoing_id and OutgoingEmail.objects.filter(pk=probe.outgoing_id).first()
    sent_at = outgoing.sent_at if outgoing else None
    done = _find_processed(probe)
    if done is not None:
        return Course(sent_at, done.received_at, done.finished_at, done.pk)
    stuck = _find_unfinished(probe)
    if stuck is not None:
        fault = stuck.last_error
        return Course(sent_at, stuck.received_at, None, stuck.pk, Leg.PROCESSING, fault)
    if sent_at is None:
        return Course(stopped_in=Leg.SENDING, fault=_find_fault(outgoing) if outgoing else "")
    return _find_before_receipt(probe.mailbox_id, sent_at)


def _find_fault(outgoing: OutgoingEmail) -> str:
    """Of the mail itself, or what keeps all mail waiting."""
    failure = None if outgoing.last_error else outbox.find_failure(outgoing.account)
    return outgoing.last_error if failure is None else failure.message


def _find_processed(probe: Probe) -> InboundEmail | None:
    """The first copy, received by any mailbox: the trace names the probe."""
    rows = InboundEmail.objects.filter(
        status=Status.IGNORED,
        reason=Reason.PROBE,
        received_at__gte=probe.created_at - CLOCK_SLACK,
    ).defer("own_raw")
    named = {"step": "probe", "result": str(probe.pk)}
    return next((row for row in rows.order_by("received_at", "pk") if named in row.trace), None)


def _find_unfinished(probe: Probe) -> InboundEmail | None:
    key = probe_keys.make_key(probe.pk).encode()
    rows = InboundEmail.objects.filter(
        status__in=(Status.PENDING, Status.FAILED),
        mailbox=probe.mailbox_id,
        received_at__gte=probe.created_at - CLOCK_SLACK,
    )
    small = rows.alias(size=Length(Coalesce("content__raw", "own_raw")))
    small = small.filter(size__lte=MOST_BYTES).select_related("content")
    oldest = small.order_by("received_at", "pk")[:MOST_UNFINISHED]
    return next((row for row in oldest if key in bytes(row.raw).lower()), None)


def _find_before_receipt(mailbox_id: int, sent_at: datetime) -> Course:
    mailbox = Mailbox.objects.get(pk=mailbox_id)
    if not mailbox.is_fetched:
        return Course(sent_at, stopped_in=Leg.DELIVERY)
    read_at = mailbox.last_success_at
    if read_at is not None and read_at > sent_at:
        return Course(sent_at, stopped_in=Leg.DELIVERY)
    return Course(sent_at, stopped_in=Leg.READING, fault=mailbox.last_error)


def _note(probe: Probe, course: Course, *, now: datetime) -> bool:
    """The UPDATE checks the state again: a second worker may have been quicker."""
    state = _judge(probe, course, now=now)
    values = {
        "sent_at": course.sent_at,
        "received_at": course.received_at,
        "processed_at": course.processed_at,
        "inbound_id": course.inbound_id,
        "stopped_in": course.stopped_in or "",
        "fault": course.fault[:500],
        "state": state,
    }
    changed = Probe.objects.filter(pk=probe.pk, state=probe.state).update(**values)
    if not changed or state == probe.state:
        return False
    logger.info("probe=%s mailbox=%s state=%s", probe.pk, probe.mailbox_id, state.value)
    return True


def _judge(probe: Probe, course: Course, *, now: datetime) -> ProbeState:
    slow = timedelta(seconds=settings.PROBE_SLOW_SECONDS)
    if course.processed_at is not None:
        is_slow = course.processed_at - probe.created_at > slow
        return ProbeState.SLOW if is_slow else ProbeState.DONE
    age = now - probe.created_at
    if age > max(slow, timedelta(minutes=settings.PROBE_WAIT_MINUTES)):
        return ProbeState.LOST
    return ProbeState.LATE if age > slow else ProbeState.WAITING
