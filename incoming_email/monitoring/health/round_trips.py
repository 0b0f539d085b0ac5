"""Sends a probe through each mailbox and waits for it: how long each part took, or where it
stopped."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.models import BAD_STATES, Mailbox, Probe
from incoming_email.monitoring import probes
from incoming_email.monitoring.health.examinations import MailboxFinding

STEP, PROBE_STEP = "round trip", "last probe"
WAIT_SECONDS = 120
"""A mailbox without a watcher is read once a minute, and the mail server needs time, too."""

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Trip:
    mailbox: Mailbox
    probe: Probe | None
    obstacle: str = ""
    """The reason where no probe was sent."""


def find_last_probe(mailbox: Mailbox) -> list[Finding]:
    """The result of the last scheduled probe; nothing where the mailbox has none."""
    if not (mailbox.pk and mailbox.enabled and mailbox.probe_interval):
        return []
    last = probes.find_newest().get(mailbox.pk)
    if last is None:
        detail = probes.find_obstacle(mailbox) or _("no test message is back or late yet")
        return [Finding(PROBE_STEP, Answer.SKIPPED, detail)]
    return [_judge(last)]


def _judge(last: Probe) -> Finding:
    when = timezone.localtime(last.created_at).strftime("%Y-%m-%d %H:%M")
    if last.took is None:
        message, remedy = probes.describe_stop(last.mailbox, last.pk, last.stopped_in, last.fault)
        detail = _("the test message of %(when)s is not back: %(words)s") % {
            "when": when,
            "words": message,
        }
        return Finding(PROBE_STEP, Answer.WARN, detail, remedy)
    seconds = last.took.total_seconds()
    detail = _("the test message of %(when)s took %(seconds)d seconds") % {
        "when": when,
        "seconds": seconds,
    }
    if last.state not in BAD_STATES:
        return Finding(PROBE_STEP, Answer.YES, detail)
    remedy = _("The mailbox's page shows which part takes so long.")
    return Finding(PROBE_STEP, Answer.WARN, detail, remedy)


def start(mailboxes: Iterable[Mailbox], *, now: datetime) -> list[Trip]:
    trips = []
    for mailbox in mailboxes:
        obstacle = probes.find_obstacle(mailbox)
        probe = None if obstacle else probes.send(mailbox, now=now)
        trips.append(Trip(mailbox, probe, obstacle))
    return trips


def await_end(
    trips: Sequence[Trip],
    *,
    seconds: float,
    clock: Callable[[], datetime],
    pause: Callable[[float], object] = time.sleep,
) -> dict[str, Finding]:
    """By name of the mailbox, the result of its probe; waits at most this many seconds."""
    ends = time.monotonic() + seconds
    courses: dict[int, probes.Course] = {}
    open_trips = [trip for trip in trips if trip.probe is not None]
    while open_trips:
        for trip in open_trips:
            courses[trip.mailbox.pk] = probes.follow(_probe_of(trip))
        open_trips = [t for t in open_trips if not courses[t.mailbox.pk].processed_at]
        if not open_trips or time.monotonic() >= ends:
            break
        pause(LOOK_SECONDS)
    probes.follow_open(now=clock())
    return {
        trip.mailbox.name: _describe(trip, courses.get(trip.mailbox.pk), seconds) for trip in trips
    }


def merge(lines: Sequence[MailboxFinding], found: Mapping[str, Finding]) -> list[MailboxFinding]:
    """Each one behind the other findings of its mailbox."""
    last = {line.mailbox: at for at, line in enumerate(lines)}
    merged: list[MailboxFinding] = []
    for at, line in enumerate(lines):
        merged.append(line)
        if line.mailbox in found and last[line.mailbox] == at:
            merged.append(replace(line, finding=found[line.mailbox]))
    return merged


def _probe_of(trip: Trip) -> Probe:
    assert trip.probe is not None  # noqa: S101  (await_end)
    return trip.probe


def _describe(trip: Trip, course: probes.Course | None, seconds: float) -> Finding:
    if course is None or trip.probe is None:
        return Finding(STEP, Answer.SKIPPED, trip.obstacle)
    if course.processed_at is not None:
        return Finding(STEP, Answer.YES, probes.describe_course(trip.probe.created_at, course))
    message, remedy = probes.describe_stop(
        trip.mailbox, trip.probe.pk, course.stopped_in or "", course.fault
    )
    detail = _("not back after %(seconds)d seconds: %(words)s")
    return Finding(STEP, Answer.NO, detail % {"seconds": seconds, "words": message}, remedy)
