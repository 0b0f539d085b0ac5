"""How much mail a project's desk may send in an hour and a day; what is past that waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import BooleanField, Count, ExpressionWrapper, Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import translation
from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from issues import services
from issues.models import Issue, OutgoingEmail, OutgoingState
from issues.models.outgoing import HELD
from issues.outbox import NewMail
from servicedesk.bot import find_bot
from servicedesk.models import ThreadMessage, Ticket
from servicedesk.schedules import Limit, Planned, find_times

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAIL_TIME = Coalesce("sent_at", "next_attempt_at")
"""When a mail went out, or is to go."""

BUDGET = "desk "
"""Before the project's id, in OutgoingEmail.budget."""


@dataclass(frozen=True, slots=True)
class Use:
    """Mails of a project's desk that went out or are about to, and those that wait."""

    in_hour: int
    in_day: int
    held: int
    held_until: datetime | None


def find_limits() -> list[Limit]:
    """0 is no limit."""
    limits = (Limit(settings.DESK_MAILS_PER_HOUR, HOUR), Limit(settings.DESK_MAILS_PER_DAY, DAY))
    return [limit for limit in limits if limit.count > 0]


def find_use(project_id: int, *, now: datetime) -> Use:
    """In one query, over the mails of a day."""
    waits = HELD & Q(next_attempt_at__gt=now)
    counts = _find_counted(project_id, now).aggregate(
        in_hour=Count("pk", filter=Q(mail_time__gt=now - HOUR) & ~waits),
        in_day=Count("pk", filter=~waits),
        held=Count("pk", filter=waits),
        held_until=Max("next_attempt_at", filter=waits),
    )
    return Use(**counts)


def hold_back(
    ticket: Ticket, issue: Issue, mails: Sequence[NewMail], *, now: datetime
) -> list[NewMail]:
    """The same mails, each with the time when it may be sent. Call in the transaction that writes
    them.

    Where a limit delays the first mail of a ticket, an internal note is added; further ones are
    delayed without a note. One query while there is room. Two batches at the same moment may exceed
    the limits by one of them: the limits stop floods, they are not exact.
    """
    if not mails:
        return []
    mails = [replace(mail, budget=f"{BUDGET}{issue.project_id}") for mail in mails]
    use = find_use(issue.project_id, now=now)
    is_past = use.in_hour + len(mails) > (settings.DESK_MAILS_PER_HOUR or float("inf"))
    is_past |= use.in_day + len(mails) > (settings.DESK_MAILS_PER_DAY or float("inf"))
    if not (use.held or is_past):
        return mails
    taken = _find_planned(issue.project_id, now)
    times = find_times(len(mails), taken, find_limits(), now=now)
    if is_past:
        _notify_once(ticket, issue, times, now=now)
    return [
        replace(mail, not_before=time) if time > now else mail
        for mail, time in zip(mails, times, strict=True)
    ]


def plan_anew(*, now: datetime) -> int:
    """Scheduled: reschedule held mails where a limit was changed, or others were not sent in time;
    returns how many were moved."""
    held = OutgoingEmail.objects.held().filter(budget__startswith=BUDGET)
    budgets = (
        held.filter(next_attempt_at__gt=now).order_by().values_list("budget", flat=True).distinct()
    )
    ids = [int(budget.removeprefix(BUDGET)) for budget in budgets if budget is not None]
    return sum(_plan_anew(project_id, now) for project_id in ids)


def _plan_anew(project_id: int, now: datetime) -> int:
    held = OutgoingEmail.objects.held().filter(budget=f"{BUDGET}{project_id}")
    rows = list(held.filter(next_attempt_at__gt=now).only("next_attempt_at").order_by("pk"))
    moving = {row.pk for row in rows}
    taken = [mail for mail in _find_planned(project_id, now) if not mail.is_held]
    times = find_times(len(moving), taken, find_limits(), now=now)
    return sum(
        held.filter(pk=row.pk).update(next_attempt_at=time)
        for row, time in zip(rows, times, strict=True)
        if row.next_attempt_at != time
    )


def _find_counted(project_id: int, now: datetime) -> QuerySet[OutgoingEmail]:
    """Those of the last day, and those that are still to go. What failed for good, or is withheld,
    is not sent."""
    return (
        OutgoingEmail.objects.filter(budget=f"{BUDGET}{project_id}")
        .alias(mail_time=MAIL_TIME)
        .filter(mail_time__gt=now - DAY)
        .exclude(state__in=[OutgoingState.FAILED, OutgoingState.WITHHELD])
    )


def _find_planned(project_id: int, now: datetime) -> list[Planned]:
    waits = ExpressionWrapper(HELD & Q(next_attempt_at__gt=now), BooleanField())
    rows = _find_counted(project_id, now).annotate(at=MAIL_TIME, waits=waits)
    return [Planned(*row) for row in rows.values_list("at", "waits")]


def _notify_once(ticket: Ticket, issue: Issue, times: Sequence[datetime], *, now: datetime) -> None:
    """The first time that mail of this ticket waits, and anew when none waited any more."""
    held = [time for time in times if time > now]
    Ticket.objects.select_for_update().get(pk=ticket.pk)
    theirs = ThreadMessage.objects.filter(ticket=ticket, from_outside=False)
    waiting = OutgoingEmail.objects.held().filter(next_attempt_at__gt=now)
    if not held or waiting.filter(message_id__in=theirs.values("message_id")).exists():
        return
    with translation.override(settings.LANGUAGE_CODE):
        body = _(
            "Mail to external participants is held back: the limit of this project's service desk"
            " is used up (%(limits)s). Mails of this ticket that wait: %(count)s. They go out by"
            " themselves, the last at %(until)s. What is written until then waits behind them."
        ) % {
            "limits": _describe_limits(),
            "count": len(held),
            "until": format_date(localtime(held[-1]), "Y-m-d H:i e"),
        }
    bot = find_bot(issue.project)
    services.create_note(item=issue, author=bot, body=body, internal=True)


def _describe_limits() -> str:
    hour: int = settings.DESK_MAILS_PER_HOUR
    day: int = settings.DESK_MAILS_PER_DAY
    if hour > 0 and day > 0:
        return _("%(hour)s an hour, %(day)s a day") % {"hour": hour, "day": day}
    return _("%s an hour") % hour if hour > 0 else _("%s a day") % day
