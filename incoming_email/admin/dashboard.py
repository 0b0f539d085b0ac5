"""The dashboard: what arrived, its status, how fast it was processed, and what needs a person."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from incoming_email import free_space
from incoming_email.admin.charts import Chart, draw_lines, draw_stacks
from incoming_email.admin.probing import describe_status
from incoming_email.admin.redaction import Redactor
from incoming_email.limits import answer_budget
from incoming_email.limits.answer_budget import Spent
from incoming_email.models import InboundEmail, Mailbox, Probe, heartbeats
from incoming_email.monitoring import figures, probes
from incoming_email.monitoring.figures import Activity, Bucket, CurrentCounts, Period
from incoming_email.outcomes import Reason, Status
from issues import connections
from issues.admin.rows import show_moment
from issues.models import Project

logger = logging.getLogger(__name__)

QUERY_SECONDS = 20.0
"""That one query may take, of which the page has a dozen."""

MOST = 5
"""Senders and domains that the budget names."""

MAILBOX_COLUMNS = (
    *("name", "enabled", "inbox_method", "last_success_at", "failing_since", "last_error"),
    *("enabled_at", "poll_interval"),
)

STACKED = (
    *(Status.PROCESSED, Status.IGNORED, Status.REJECTED, Status.HELD, Status.FAILED),
    Status.PENDING,
)
"""From the bottom of a bar."""

PROCESSES: dict[str, str | Promise] = {
    **{
        heartbeats.name_worker(queue): format_lazy("{}: {}", gettext_lazy("worker"), queue)
        for queue in settings.WORKER_QUEUES
    },
    heartbeats.BEAT: gettext_lazy("beat"),
    heartbeats.WATCHER: gettext_lazy("watcher"),
    heartbeats.SMTP_LISTENER: gettext_lazy("SMTP listener"),
}

COMMANDS = {
    heartbeats.name_worker(queue): f"celery -A config worker -Q {queue}"
    for queue in settings.WORKER_QUEUES
} | {heartbeats.BEAT: "celery -A config beat"}
"""What to start where a heartbeat is missing."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number and its label; `alarm` where somebody should act."""

    label: str
    value: str
    url: str = ""
    note: str = ""
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class MailboxLine:
    mailbox: Mailbox
    state: str
    state_class: str
    last_success: str
    error: str
    probe: str
    probe_class: str
    received: int
    pending: int
    failed: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What of a budget is used; a limit of 0 is none."""

    name: str
    count: int
    limit: int


@dataclass(frozen=True, slots=True)
class BudgetTable:
    label: str
    lines: tuple[Spending, ...]


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("incoming_email.view_inboundemail"):
        raise PermissionDenied
    now = timezone.now()
    chosen = request.GET.get("period")
    period = next((each for each in figures.PERIODS if each.slug == chosen), figures.PERIODS[0])
    try:
        with connections.limited_queries(QUERY_SECONDS):
            described = _describe(period, now=now)
    except OperationalError:
        logger.exception("dashboard not shown")
        text = _("The database did not answer in time, so there are no figures. Try again later.")
        return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    context = {
        **admin.site.each_context(request),
        "title": _("Dashboard"),
        "periods": figures.PERIODS,
        "now": timezone.localtime(now),
        "shortage": free_space.find_shortage(),
        **described,
    }
    return TemplateResponse(request, "admin/dashboard.html", context)


def _describe(period: Period, *, now: datetime) -> dict[str, object]:
    activity = figures.find_activity(period, now=now)
    counts = figures.count_current()
    oldest = figures.find_oldest_pending(now=now)
    mailboxes = list(Mailbox.objects.order_by("name").only(*MAILBOX_COLUMNS))
    probed = probes.find_newest()
    labels = [_name_moment(bucket.start, period) for bucket in activity.buckets]
    return {
        "period": period,
        "tiles": [*_make_tiles(activity, counts, now=now), _make_oldest(oldest, now=now)],
        "processes": list(_find_processes(counts, mailboxes, now=now)),
        "outcomes": _draw_outcomes(activity, labels),
        "times": _draw_times(activity, labels),
        "legend": [(f"status-{status}", status.label) for status in STACKED],
        "rows": [_list(*pair) for pair in zip(labels, activity.buckets, strict=True)],
        "mailboxes": [
            _describe_mailbox(
                each, counts, activity.received.get(each.pk, 0), probed.get(each.pk), now=now
            )
            for each in mailboxes
        ],
        "hour_budget": _describe_budget(
            answer_budget.find_spent_in_hour(now=now), answer_budget.hourly_limits(), mailboxes
        ),
        "budget": _describe_budget(
            answer_budget.find_spent(now=now), answer_budget.daily_limits(), mailboxes
        ),
    }


def _draw_outcomes(activity: Activity, labels: list[str]) -> Chart:
    stacks = [[bucket.by_status.get(s, 0) for s in STACKED] for bucket in activity.buckets]
    return draw_stacks(stacks, [f"status-{status}" for status in STACKED], labels)


def _draw_times(activity: Activity, labels: list[str]) -> Chart:
    ticks = [(0, "0"), (10, show_seconds(10)), (60, show_seconds(60)), (600, show_seconds(600))]
    ticks += [(3600, show_seconds(3600)), (86400, show_seconds(86400))]
    lines = [
        ("slowest", [bucket.slowest for bucket in activity.buckets]),
        ("median", [bucket.median for bucket in activity.buckets]),
    ]
    return draw_lines(lines, ticks, labels)


def _list(label: str, bucket: Bucket) -> tuple[str | int, ...]:
    """A line of the table that says the same as the charts."""
    counts = (bucket.by_status.get(status, 0) for status in STACKED)
    times = (show_seconds(bucket.median), show_seconds(bucket.slowest))
    return (label, bucket.received, *counts, *times)


def _make_tiles(activity: Activity, counts: CurrentCounts, *, now: datetime) -> Iterator[Tile]:
    whole, ledger = activity.whole, reverse("admin:incoming_email_inboundemail_changelist")
    yield Tile(_("Received"), formats.number_format(whole.received), ledger)
    yield Tile(
        _("Median time"),
        show_seconds(whole.median),
        note=_("95 of 100 within: %(time)s") % {"time": show_seconds(whole.slowest)},
    )
    held = counts.count(Status.HELD) - counts.held_spam
    for label, query, count, alarm in (
        (_("Waiting"), "status__exact=pending", counts.count(Status.PENDING), False),
        (_("Held for a person"), "status__exact=held", held, True),
        (_("Held as spam"), f"status__exact=held&reason={Reason.SPAM}", counts.held_spam, False),
        (_("Failed"), "status__exact=failed", counts.count(Status.FAILED), True),
    ):
        url = f"{ledger}?{query}"
        yield Tile(label, formats.number_format(count), url, alarm=alarm and count > 0)
    yield Tile(
        _("Outgoing mail that waits"),
        formats.number_format(counts.unsent),
        reverse("admin:issues_outgoingemail_changelist"),
        " · ".join(_describe_outgoing(counts, now=now)),
        alarm=counts.unsendable > 0 or counts.sending_fails_since is not None,
    )


def _describe_outgoing(counts: CurrentCounts, *, now: datetime) -> Iterator[str]:
    yield _("given up: %(count)d") % {"count": counts.unsendable}
    if counts.sending_fails_since is not None:
        age = timesince(counts.sending_fails_since, now, depth=1)
        yield _("the mail server takes none for %(age)s") % {"age": age}


def _make_oldest(oldest: InboundEmail | None, *, now: datetime) -> Tile:
    if oldest is None:
        return Tile(_("Oldest that waits"), "–")
    url = reverse("admin:incoming_email_inboundemail_change", args=[oldest.pk])
    age = (now - oldest.received_at).total_seconds()
    note = _("attempts: %(count)d") % {"count": oldest.attempts}
    is_late = age > settings.CHECK_PENDING_MINUTES * 60
    return Tile(_("Oldest that waits"), show_seconds(int(age)), url, note, alarm=is_late)


def _find_processes(
    counts: CurrentCounts, mailboxes: list[Mailbox], *, now: datetime
) -> Iterator[Tile]:
    needed = {heartbeats.BEAT, *map(heartbeats.name_worker, settings.WORKER_QUEUES)}
    if any(mailbox.is_fetched for mailbox in mailboxes if mailbox.enabled):
        needed.add(heartbeats.WATCHER)
    for name, label in PROCESSES.items():
        seen_at = counts.heartbeats.get(name)
        is_alive = seen_at is not None and heartbeats.is_recent(seen_at, now=now)
        if name not in needed and seen_at is None:
            continue
        value = _("alive") if is_alive else _("not seen")
        note = _("%(age)s ago") % {"age": timesince(seen_at, now, depth=1)} if seen_at else ""
        if not is_alive and name in COMMANDS:
            note = f"{note} {COMMANDS[name]}".strip()
        yield Tile(str(label), value, note=note, alarm=not is_alive)


def _describe_mailbox(
    mailbox: Mailbox, counts: CurrentCounts, received: int, probe: Probe | None, *, now: datetime
) -> MailboxLine:
    if not mailbox.enabled:
        state, css_class = _("off"), "off"
    elif mailbox.failing_since:
        moment = show_moment(mailbox.failing_since)
        state, css_class = _("failing since %(moment)s") % {"moment": moment}, "answer-no"
    elif mailbox.is_fetched and mailbox.is_unread_for(settings.MAILBOX_ALERT_MINUTES, now=now):
        state, css_class = _("read by nobody"), "answer-no"
    elif mailbox.last_success_at or not mailbox.is_fetched:
        state, css_class = _("works"), "answer-yes"
    else:
        state, css_class = _("never read"), "answer-warn"
    return MailboxLine(
        mailbox,
        state,
        css_class,
        show_moment(mailbox.last_success_at),
        mailbox.last_error[:200] if mailbox.failing_since else "",
        *describe_status(probe),
        received,
        counts.count(Status.PENDING, mailbox.pk),
        counts.count(Status.FAILED, mailbox.pk),
    )


def _describe_budget(
    spent: Spent, limits: Mapping[str, int], mailboxes: list[Mailbox]
) -> list[BudgetTable]:
    """One table a limit."""
    redactor = Redactor.load()
    names = {mailbox.pk: mailbox.name for mailbox in mailboxes}
    counted: tuple[tuple[str, Mapping[str, int]], ...] = (
        (_("Sender"), spent.senders),
        (_("Domain"), spent.domains),
        (
            _("Mailbox"),
            {names[pk]: n for pk, n in spent.mailboxes.items() if pk in names}
            | {name: 0 for pk, name in names.items() if pk not in spent.mailboxes},
        ),
        (_("Project"), _name_projects(spent.projects)),
    )
    tables = []
    for (label, counts), limit in zip(counted, limits.values(), strict=False):
        most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST]
        lines = (Spending(redactor.redact(name), count, limit) for name, count in most)
        tables.append(BudgetTable(label, tuple(lines)))
    return tables


def _name_projects(counts: Mapping[int | None, int]) -> dict[str, int]:
    most = sorted((pk for pk in counts if pk), key=lambda pk: -counts[pk])[:MOST]
    paths = Project.objects.filter(pk__in=most).values_list("pk", "path")
    return {path: counts[pk] for pk, path in paths}


def _name_moment(start: datetime, period: Period) -> str:
    if period.slug == "day":
        return start.strftime("%H:%M")
    is_midnight = start.hour == 0
    day = formats.date_format(start, "MONTH_DAY_FORMAT")
    return day if is_midnight else f"{day} {start:%H:%M}"


def show_seconds(seconds: int | None) -> str:
    """In its largest unit, since what is counted is as coarse."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return _("under 1 s")
    for size, text in ((86400, _("%(n)d d")), (3600, _("%(n)d h")), (60, _("%(n)d min"))):
        if seconds >= size:
            return text % {"n": seconds // size}
    return _("%(n)d s") % {"n": seconds}
