"""Steps about our own rows: are the processes alive, and does work pile up?"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.models import InboundEmail, Mailbox, heartbeats
from incoming_email.monitoring import figures
from incoming_email.outcomes import Reason, Status
from issues import outbox
from issues.models import Announcement, OutgoingEmail, OutgoingState
from issues.models.outgoing import OWED_SINCE


def find_mailboxes(enabled: Sequence[Mailbox]) -> Finding:
    if enabled:
        detail = ngettext("%(count)d is enabled", "%(count)d are enabled", len(enabled))
        return Finding("mailboxes", Answer.YES, detail % {"count": len(enabled)})
    remedy = _("Add a mailbox in the admin, or switch one on.")
    return Finding("mailboxes", Answer.NO, _("no mailbox is enabled, so no mail comes in"), remedy)


def find_processes(enabled: Sequence[Mailbox], *, now: datetime) -> list[Finding]:
    beat = _("Start it: celery -A config beat. Run exactly one.")
    return [
        _find_workers(now=now),
        _find_alive("beat", heartbeats.BEAT, Answer.NO, beat, now=now),
        _find_watcher(enabled, now=now),
    ]


def _find_workers(*, now: datetime) -> Finding:
    """A worker for each queue; one may serve all of them."""
    unserved = heartbeats.find_unserved(now=now)
    if not heartbeats.is_alive(heartbeats.WORKER, now=now):
        remedy = _("Start it: celery -A config worker. It answers beat, so beat must run as well.")
        return _find_alive("worker", heartbeats.WORKER, Answer.NO, remedy, now=now)
    if not unserved:
        return Finding("worker", Answer.YES)
    detail = _("no worker takes tasks from: %(queues)s") % {"queues": ", ".join(unserved)}
    remedy = _("Start one for them: %(command)s")
    command = f"celery -A config worker -Q {','.join(unserved)}"
    return Finding("worker", Answer.NO, detail, remedy % {"command": command})


def _find_watcher(enabled: Sequence[Mailbox], *, now: datetime) -> Finding:
    """Only a warning: without the watcher, beat still has the mailboxes read every minute."""
    if not any(mailbox.is_fetched for mailbox in enabled):
        return Finding(
            "watcher", Answer.SKIPPED, _("no mailbox is enabled that mail is fetched from")
        )
    remedy = _("Start it: python manage.py watch_mailboxes. Without it mail waits up to a minute.")
    return _find_alive("watcher", heartbeats.WATCHER, Answer.WARN, remedy, now=now)


def _find_alive(step: str, name: str, otherwise: Answer, remedy: str, *, now: datetime) -> Finding:
    seen_at = heartbeats.find_last(name)
    if seen_at is None:
        return Finding(step, otherwise, _("it was never seen alive"), remedy)
    if heartbeats.is_recent(seen_at, now=now):
        return Finding(step, Answer.YES)
    detail = _("it was last seen alive %(age)s ago") % {"age": _age(seen_at, now)}
    return Finding(step, otherwise, detail, remedy)


def find_ledger(*, now: datetime) -> list[Finding]:
    all_failed = InboundEmail.objects.filter(status=Status.FAILED)
    failed = all_failed.exclude(reason=Reason.UNREADABLE_ON_SERVER).count()
    held = InboundEmail.objects.held().count()
    return [
        _find_oldest_pending(now=now),
        _warn_if_any(
            "failed rows",
            failed,
            _("inbound emails that failed after all attempts: %(count)d"),
            _("Look at their last error in the admin, then let them be processed again."),
        ),
        *_find_unreadable(),
        _warn_if_any(
            "held rows",
            held,
            _("inbound emails held for review: %(count)d"),
            _("Release or discard them in the admin."),
        ),
    ]


def _find_unreadable() -> list[Finding]:
    """Nothing where servers hand over all mail."""
    rows = InboundEmail.objects.filter(status=Status.FAILED, reason=Reason.UNREADABLE_ON_SERVER)
    count = rows.count()
    if not count:
        return []
    detail = _("messages that a mail server could not hand over: %(count)d") % {"count": count}
    remedy = _(
        "Look at their last error in the admin. They are tried again by themselves; repair or"
        " remove them on the mail server."
    )
    return [Finding("unreadable rows", Answer.WARN, detail, remedy)]


def _find_oldest_pending(*, now: datetime) -> Finding:
    overdue = figures.find_overdue(now=now)
    if overdue is not None:
        return _describe_overdue(overdue, age=_age(overdue.since, now))
    oldest = figures.find_oldest_pending(now=now)
    if oldest is None or oldest.received_at > now - _pending_limit():
        return Finding("oldest pending", Answer.YES)
    detail = _(
        "inbound email %(pk)d was received %(age)s ago and is not processed yet;"
        " attempts: %(attempts)d"
    ) % {
        "pk": oldest.pk,
        "age": _age(oldest.received_at, now),
        "attempts": oldest.attempts,
    }
    remedy = _("Look at its last error in the admin, and whether worker and beat run.")
    return Finding("oldest pending", Answer.WARN, detail, remedy)


def _describe_overdue(overdue: figures.Overdue, *, age: str) -> Finding:
    """Names the type of the oldest row's last error only: its text may quote a mail."""
    detail = ngettext(
        "%(count)d message is due, and no worker could process it for %(age)s",
        "%(count)d messages are due, and no worker could process them for %(age)s",
        overdue.count,
    ) % {"count": overdue.count, "age": age}
    if overdue.last_error:
        last = _("the last error of inbound email %(pk)d is %(fault)s") % {
            "pk": overdue.pk,
            "fault": overdue.last_error.partition(":")[0],
        }
        detail = f"{detail}; {last}"
    remedy = _(
        "See whether the worker and beat run and what the worker's log says; restart them after an"
        " update. The mail is kept meanwhile."
    )
    return Finding("oldest pending", Answer.NO, detail, remedy)


def find_unsent(*, now: datetime) -> Finding:
    """Outgoing mail that failed for good, is not so much as written, or waits too long."""
    step = "unsent mail"
    failed = OutgoingEmail.objects.filter(state=OutgoingState.FAILED).count()
    if failed:
        remedy = _("Look at their last error in the admin, then send them again.")
        detail = _("outgoing emails that failed for good: %(count)d") % {"count": failed}
        return Finding(step, Answer.WARN, detail, remedy)
    limit = now - _pending_limit()
    events = Announcement.objects.owed().aggregate(oldest=Min("created_at"), count=Count("pk"))
    if events["oldest"] is not None and events["oldest"] <= limit:
        return _describe_unwritten(events["count"], _age(events["oldest"], now))
    waiting = OutgoingEmail.objects.owed(now).aggregate(oldest=Min(OWED_SINCE))
    oldest = waiting["oldest"]
    if oldest is None or oldest > limit:
        return Finding(step, Answer.YES)
    detail = _("the oldest has been waiting for %(age)s") % {"age": _age(oldest, now)}
    remedy = _("Look at its last error in the admin, and whether worker and beat run.")
    return Finding(step, Answer.WARN, detail, remedy)


def find_sending(*, now: datetime) -> Finding:
    """Whether the server of EMAIL_URL took our mail when it was last tried."""
    step = "sending"
    failure = outbox.find_failure()
    if failure is None:
        return Finding(step, Answer.YES)
    detail = ngettext(
        "no mail goes out for %(age)s, %(count)d waits; the mail server or the connection to it"
        " said: %(message)s",
        "no mail goes out for %(age)s, %(count)d wait; the mail server or the connection to it"
        " said: %(message)s",
        failure.waiting,
    ) % {"age": _age(failure.since, now), "count": failure.waiting, "message": failure.message}
    remedy = _(
        "Correct EMAIL_URL, or the account at that server. Mail is tried again every few minutes."
    )
    return Finding(step, Answer.NO, detail, remedy)


def _describe_unwritten(count: int, age: str) -> Finding:
    """Who hears of them is worked out again and again, so no mail of theirs exists."""
    detail = ngettext(
        "the notifications of %(count)d event are not written; the oldest event was %(age)s ago",
        "the notifications of %(count)d events are not written; the oldest event was %(age)s ago",
        count,
    ) % {"count": count, "age": age}
    remedy = _("See what the worker's log says, and whether worker and beat run.")
    return Finding("unsent mail", Answer.WARN, detail, remedy)


def _warn_if_any(step: str, count: int, detail: str, remedy: str) -> Finding:
    if not count:
        return Finding(step, Answer.YES)
    return Finding(step, Answer.WARN, detail % {"count": count}, remedy)


def _pending_limit() -> timedelta:
    return timedelta(minutes=settings.CHECK_PENDING_MINUTES)


def _age(moment: datetime, now: datetime) -> str:
    """For example '2 hours', without the non-breaking space that Django puts in."""
    return timesince(moment, now, depth=1).replace("\xa0", " ")
