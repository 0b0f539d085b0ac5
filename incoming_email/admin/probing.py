"""The probes of a mailbox on its page: a chart, a table, and what to do where one stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from incoming_email.admin.charts import Chart, draw_lines
from incoming_email.models import BAD_STATES, OPEN_STATES, Leg, Mailbox, Probe, ProbeState
from incoming_email.monitoring import probes
from incoming_email.monitoring.probes import Course
from issues.admin.rows import show_moment

CHARTED = 48
LISTED = 12
NEVER_BACK = 86_400
"""Seconds at which a probe that did not come back is drawn: at the top of the chart."""


@dataclass(frozen=True, slots=True)
class ProbeLine:
    written: str
    state: str
    state_class: str
    times: tuple[str, str, str, str]
    """Until it was sent, then received, then processed, and the whole, in seconds."""

    inbound_id: int | None
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ProbeHistory:
    chart: Chart
    lines: tuple[ProbeLine, ...]


def describe_history(mailbox: Mailbox) -> ProbeHistory | None:
    """None where there is none. Those under way are looked up as they are now."""
    rows = probes.find_last(mailbox, CHARTED)
    if not rows:
        return None
    return ProbeHistory(_draw(rows[::-1]), tuple(_describe(row) for row in rows[:LISTED]))


def describe_status(probe: Probe | None) -> tuple[str, str]:
    """A text for the dashboard and its CSS class; empty where no probes are scheduled."""
    if probe is None:
        return "", ""
    if probe.state in BAD_STATES:
        moment = show_moment(probe.created_at)
        return f"{probe.get_state_display()} ({moment})", "answer-no"
    return f"{_seconds(probe.created_at, probe.processed_at)} s", "answer-yes"


def _draw(rows: Sequence[Probe]) -> Chart:
    took = [None if row.took is None else int(row.took.total_seconds()) for row in rows]
    missing = [
        NEVER_BACK if row.state in {ProbeState.LATE, ProbeState.LOST} else None for row in rows
    ]
    ticks = [(0, "0"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h")]
    ticks += [(NEVER_BACK, _("never"))]
    labels = [timezone.localtime(row.created_at).strftime("%H:%M") for row in rows]
    return draw_lines([("median", took), ("missing", missing)], ticks, labels)


def _describe(probe: Probe) -> ProbeLine:
    course = probes.follow(probe) if probe.state in OPEN_STATES else _read_course(probe)
    is_back = course.processed_at is not None
    message = remedy = ""
    if not is_back:
        message, remedy = probes.describe_stop(
            probe.mailbox, probe.pk, course.stopped_in or "", course.fault
        )
    return ProbeLine(
        show_moment(probe.created_at),
        _("back just now") if is_back and probe.state in OPEN_STATES else probe.get_state_display(),
        _find_class(probe, is_back=is_back),
        (
            _seconds(probe.created_at, course.sent_at),
            _seconds(course.sent_at, course.received_at),
            _seconds(course.received_at, course.processed_at),
            _seconds(probe.created_at, course.processed_at),
        ),
        course.inbound_id,
        message,
        remedy,
    )


def _read_course(probe: Probe) -> Course:
    """As it was when the probe was followed last."""
    return Course(
        probe.sent_at,
        probe.received_at,
        probe.processed_at,
        probe.inbound_id,
        Leg(probe.stopped_in) if probe.stopped_in else None,
        probe.fault,
    )


def _find_class(probe: Probe, *, is_back: bool) -> str:
    if probe.state in OPEN_STATES and is_back:
        return "answer-yes"
    classes = {
        ProbeState.WAITING: "status-pending",
        ProbeState.DONE: "answer-yes",
        ProbeState.LOST: "answer-no",
    }
    return classes.get(ProbeState(probe.state), "answer-warn")


def _seconds(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return "–"
    return f"{max((end - start).total_seconds(), 0):.1f}"
