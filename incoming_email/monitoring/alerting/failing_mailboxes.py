"""Notifies administrators once that a mailbox has failed for long, and once that it works again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from incoming_email.models import AlertEvent, Mailbox
from incoming_email.monitoring.alerting.administrators import find_administrators
from incoming_email.monitoring.alerting.alerts import Alert, write_alert
from issues.models import User


def notify_administrators(*, now: datetime) -> int:
    """Write notifications about mailboxes whose state changed; returns the number of mailboxes.

    `Mailbox.alerted_at` records the notification. It changes in one transaction with the mail, so a
    crash neither repeats nor loses one, and of two workers one notifies.
    """
    working = list(_find_working())
    failing = list(_find_failing(now))
    if not (working or failing):
        return 0
    people = find_administrators()
    notified = [_notify_working(mailbox, people, now=now) for mailbox in working]
    notified += [_notify_failing(mailbox, people, now=now) for mailbox in failing]
    return sum(notified)


def _find_failing(now: datetime) -> QuerySet[Mailbox]:
    limit = now - timedelta(minutes=settings.MAILBOX_ALERT_MINUTES)
    return Mailbox.objects.filter(enabled=True, alerted_at=None, failing_since__lte=limit)


def _find_working() -> QuerySet[Mailbox]:
    """Reported as failing, and read since; a failure that began later is another one."""
    since = Q(failing_since=None) | Q(failing_since__gt=F("alerted_at"))
    return Mailbox.objects.filter(since, alerted_at__isnull=False)


def _notify_failing(mailbox: Mailbox, people: Sequence[User], *, now: datetime) -> bool:
    since = mailbox.failing_since
    assert since is not None  # noqa: S101  (_find_failing)
    unchanged = Mailbox.objects.filter(pk=mailbox.pk, alerted_at=None, failing_since=since)
    with transaction.atomic():
        if not unchanged.update(alerted_at=now):
            return False
        alert = Alert(AlertEvent.MAILBOX_FAILING, mailbox, since, error=mailbox.last_error)
        write_alert(alert, people, now=now)
    return True


def _notify_working(mailbox: Mailbox, people: Sequence[User], *, now: datetime) -> bool:
    alerted_at = mailbox.alerted_at
    assert alerted_at is not None  # noqa: S101  (_find_working)
    unchanged = Mailbox.objects.filter(pk=mailbox.pk, alerted_at=alerted_at)
    with transaction.atomic():
        if not unchanged.update(alerted_at=None):
            return False
        since = mailbox.last_success_at or now
        write_alert(Alert(AlertEvent.MAILBOX_WORKING, mailbox, since), people, now=now)
    return True
