"""Notifies administrators once that no mail has gone out for long, and once that it does again."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from incoming_email.models import AlertEvent
from incoming_email.monitoring.alerting.administrators import find_administrators
from incoming_email.monitoring.alerting.alerts import Alert, write_alert
from issues.models import OutgoingAccount

INSTALLATION = ""
"""The account of EMAIL_URL; maintainers hear of those of their projects."""


def notify_administrators(*, now: datetime) -> int:
    """Write the notification that is due; returns how many: one or none.

    `OutgoingAccount.alerted_at` records it. It changes in one transaction with the mail, so a crash
    neither repeats nor loses one, and of two workers one notifies. The mail itself waits for the
    server that fails; the webhook does not.
    """
    row = OutgoingAccount.objects.filter(account=INSTALLATION).first()
    if row is None:
        return 0
    if row.failing_since is None:
        is_news = row.alerted_at is not None
        alert = Alert(AlertEvent.SENDING_WORKING, None, row.worked_at or now)
    else:
        limit = now - timedelta(minutes=settings.MAILBOX_ALERT_MINUTES)
        is_news = row.alerted_at is None and row.failing_since <= limit
        alert = Alert(AlertEvent.SENDING_FAILING, None, row.failing_since, error=row.last_error)
    return int(is_news and _notify(row, alert, now=now))


def _notify(row: OutgoingAccount, alert: Alert, *, now: datetime) -> bool:
    unchanged = OutgoingAccount.objects.filter(
        pk=row.pk, alerted_at=row.alerted_at, failing_since=row.failing_since
    )
    with transaction.atomic():
        if not unchanged.update(alerted_at=None if row.failing_since is None else now):
            return False
        write_alert(alert, find_administrators(), now=now)
    return True
