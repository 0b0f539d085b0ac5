"""How much mail a project's desk may send in an hour and a day; what is past that waits. Comments
go before automatic mail, which may use half of it."""

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

from incoming_email.limits.answer_budget import THANK_YOU, WELCOME
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

AUTOMATIC_KINDS = (THANK_YOU, WELCOME)
"""Mails that nobody wrote. Comments of members, and of participants to each other, never wait for
them."""

BUDGET = "desk "
"""Before the project's id, in OutgoingEmail.budget."""


@dataclass(frozen=True, slots=True)
class Use:
    """Mails of a project's desk that went out or are about to, and those that wait."""

    in_hour: int
    in_day: int
    held: int
    held_until: datetime | None
    held_comments: int
    automatic_in_hour: int
    automatic_in_day: int


def find_limits() -> list[Limit]:
    """0 is no limit."""
    limits = (Limit(settings.DESK_MAILS_PER_HOUR, HOUR), Limit(settings.DESK_MAILS_PER_DAY, DAY))
    return [limit for limit in limits if limit.count > 0]


def find_share() -> list[Limit]:
    """Of these, what automatic mail may use."""
    return [replace(limit, count=max(1, limit.count // 2)) for limit in find_limits()]


def find_use(project_id: int, *, now: datetime) -> Use:
    """In one query, over the mails of a day."""
    waits = HELD & Q(next_attempt_at__gt=now)
    is_automatic = Q(kind__in=AUTOMATIC_KINDS)
    in_hour = Q(mail_time__gt=now - HOUR) & ~waits
    counts = _find_counted(project_id, now).aggregate(
        in_hour=Count("pk", filter=in_hour),
        in_day=Count("pk", filter=~waits),
        held=Count("pk", filter=waits),
        held_until=Max("next_attempt_at", filter=waits),
        held_comments=Count("pk", filter=waits & ~is_automatic),
        automatic_in_hour=Count("pk", filter=in_hour & is_automatic),
        automatic_in_day=Count("pk", filter=~waits & is_automatic),
    )
    return Use(**counts)


def hold_back(
    ticket: Ticket, issue: Issue, mails: Sequence[NewMail], *, now: datetime
) -> list[NewMail]:
    """The same mails, all of one kind, each with the time when it may be sent. Call in the
    transaction that writes them.

    Where a limit delays the first mail of a ticket, an internal note is added; further ones are
    delayed without a note. One query while there is room. Two batches at the same moment may exceed
    the limits by one of them: the limits stop floods, they are not exact.
    """
    if not mails:
        return []
    mails = [replace(mail, budget=f"{BUDGET}{issue.project_id}") for mail in mails]
    is_automatic = mails[0].kind in AUTOMATIC_KINDS
    use = find_use(issue.project_id, now=now)
    is_past = _is_past(use, len(mails), is_automatic=is_automatic)
    if not (use.held or is_past):
        return mails
    planned = _find_planned(issue.project_id, now)
    if is_automatic:
        times = find_times(len(mails), planned, find_limits(), now=now, share=find_share())
    else:
        planned = [mail for mail in planned if not (mail.is_held and mail.is_automatic)]
        times = find_times(len(mails), planned, find_limits(), now=now)
        _plan_automatic(issue.project_id, [*planned, *_as_planned(times, now)], now)
    if is_past:
        _notify_once(ticket, issue, times, now=now, is_automatic=is_automatic)
    return [
        replace(mail, not_before=time) if time > now else mail
        for mail, time in zip(mails, times, strict=True)
    ]


def _is_past(use: Use, count: int, *, is_automatic: bool) -> bool:
    """Whether so many more pass a limit."""
    in_window = {HOUR: use.in_hour, DAY: use.in_day}
    found = any(in_window[limit.window] + count > limit.count for limit in find_limits())
    if found or not is_automatic:
        return found
    in_window = {HOUR: use.automatic_in_hour, DAY: use.automatic_in_day}
    return any(in_window[limit.window] + count > limit.count for limit in find_share())


def _as_planned(times: Sequence[datetime], now: datetime) -> list[Planned]:
    return [Planned(time, is_held=time > now) for time in times]


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
    rows = list(_find_held(project_id, now).exclude(kind__in=AUTOMATIC_KINDS))
    taken = [mail for mail in _find_planned(project_id, now) if not mail.is_held]
    times = find_times(len(rows), taken, find_limits(), now=now)
    moved = _move(rows, times)
    return moved + _plan_automatic(project_id, [*taken, *_as_planned(times, now)], now)


def _plan_automatic(project_id: int, taken: Sequence[Planned], now: datetime) -> int:
    """Held automatic mails, behind all that is taken."""
    rows = list(_find_held(project_id, now).filter(kind__in=AUTOMATIC_KINDS))
    times = find_times(len(rows), taken, find_limits(), now=now, share=find_share())
    return _move(rows, times)


def _move(rows: Sequence[OutgoingEmail], times: Sequence[datetime]) -> int:
    return sum(
        OutgoingEmail.objects.held().filter(pk=row.pk).update(next_attempt_at=time)
        for row, time in zip(rows, times, strict=True)
        if row.next_attempt_at != time
    )


def _find_held(project_id: int, now: datetime) -> QuerySet[OutgoingEmail]:
    held = OutgoingEmail.objects.held().filter(budget=f"{BUDGET}{project_id}")
    return held.filter(next_attempt_at__gt=now).only("next_attempt_at").order_by("pk")


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
    return [
        Planned(at, is_held, kind in AUTOMATIC_KINDS)
        for at, is_held, kind in rows.values_list("at", "waits", "kind")
    ]


def _notify_once(
    ticket: Ticket, issue: Issue, times: Sequence[datetime], *, now: datetime, is_automatic: bool
) -> None:
    """The first time that mail of this ticket waits, and anew when none waited any more."""
    held = [time for time in times if time > now]
    Ticket.objects.select_for_update().get(pk=ticket.pk)
    theirs = ThreadMessage.objects.filter(ticket=ticket, from_outside=False)
    waiting = OutgoingEmail.objects.held().filter(next_attempt_at__gt=now)
    if not held or waiting.filter(message_id__in=theirs.values("message_id")).exists():
        return
    with translation.override(settings.LANGUAGE_CODE):
        sentence = _(
            "Mail to external participants is held back: the limit of this project's service desk"
            " is used up (%(limits)s). Mails of this ticket that wait: %(count)s. They go out by"
            " themselves, the last at %(until)s. What is written until then waits behind them."
        )
        if is_automatic:
            sentence = _(
                "Automatic mail of this ticket is held back: half of what this project's service"
                " desk may send (%(limits)s) is kept for comments. Mails of this ticket that wait:"
                " %(count)s. They go out by themselves, the last at about %(until)s; comments go"
                " before them."
            )
        body = sentence % {
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
