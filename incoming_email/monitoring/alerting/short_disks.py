"""Notifies administrators once that a disk is nearly full, and once that there is space again."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation

from incoming_email import free_space
from incoming_email.models import AlertEvent, DiskShortage
from incoming_email.monitoring.alerting.administrators import find_administrators
from incoming_email.monitoring.alerting.alerts import Alert, write_alert

QUIET = timedelta(minutes=10)
"""For so long there must be space until that is told: space comes and goes, and workers of another
machine may see another disk."""


def notify_administrators(*, now: datetime) -> bool:
    """Write the notification that is due; returns whether the shortage lasts.

    The row of `DiskShortage` records it. It comes and goes in one transaction with the mail, so a
    crash neither repeats nor loses one, and of two workers one notifies.
    """
    with translation.override(settings.LANGUAGE_CODE):  # the webhook gets the same text
        shortage = free_space.find_shortage()
    if shortage:
        _note(shortage, now=now)
        return True
    return _is_not_over(now=now)


def _note(shortage: str, *, now: datetime) -> None:
    with transaction.atomic():
        row, is_new = DiskShortage.objects.get_or_create(
            pk=DiskShortage.ONLY, defaults={"since": now, "seen_at": now}
        )
        if is_new:
            alert = Alert(AlertEvent.DISK_NEARLY_FULL, None, now, error=shortage)
            write_alert(alert, find_administrators(), now=now)
    if not is_new:
        DiskShortage.objects.filter(pk=row.pk).update(seen_at=now)


def _is_not_over(*, now: datetime) -> bool:
    row = DiskShortage.objects.first()
    if row is None:
        return False
    if abs(now - row.seen_at) < QUIET:  # one further ahead was seen by a clock that was wrong
        return True
    with transaction.atomic():
        if DiskShortage.objects.filter(pk=row.pk, seen_at=row.seen_at).delete()[0]:
            alert = Alert(AlertEvent.DISK_HAS_SPACE, None, row.seen_at)
            write_alert(alert, find_administrators(), now=now)
    return False
