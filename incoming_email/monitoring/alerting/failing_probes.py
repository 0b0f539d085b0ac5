"""Notifies administrators once that probes through a mailbox are late, and once that they
recovered."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from incoming_email.models import BAD_STATES, AlertEvent, Mailbox, Probe, ProbeState
from incoming_email.monitoring import probes
from incoming_email.monitoring.alerting.administrators import find_administrators
from incoming_email.monitoring.alerting.alerts import Alert, write_alert
from issues.models import User


def notify_administrators(*, now: datetime) -> int:
    """Write the notifications that are due; returns the number of mailboxes.

    `Mailbox.probe_alerted_at` records the notification. It changes in one transaction with the
    mail, so a crash neither repeats nor loses one, and of two workers one notifies.
    """
    newest = probes.find_newest()
    notified = Mailbox.objects.filter(probe_alerted_at__isnull=False)
    notified.exclude(pk__in=newest).update(probe_alerted_at=None)  # probing was switched off
    changed = [probe for probe in newest.values() if _is_news(probe)]
    people = find_administrators() if changed else []
    return sum(_notify(probe, people, now=now) for probe in changed)


def _is_news(probe: Probe) -> bool:
    return (probe.state in BAD_STATES) is (probe.mailbox.probe_alerted_at is None)


def _notify(probe: Probe, people: Sequence[User], *, now: datetime) -> bool:
    mailbox, is_bad = probe.mailbox, probe.state in BAD_STATES
    unchanged = Mailbox.objects.filter(pk=mailbox.pk, probe_alerted_at=mailbox.probe_alerted_at)
    with transaction.atomic():
        if not unchanged.update(probe_alerted_at=now if is_bad else None):
            return False
        write_alert(_describe(probe), people, now=now)
    return True


def _describe(probe: Probe) -> Alert:
    """In the language of the site: the webhook gets the same text."""
    if probe.state not in BAD_STATES:
        return Alert(
            AlertEvent.PROBE_WORKING, probe.mailbox, probe.processed_at or probe.created_at
        )
    with translation.override(settings.LANGUAGE_CODE):
        if probe.state == ProbeState.SLOW and probe.took is not None:
            error = _("the last probe took %(seconds)d seconds for its way round") % {
                "seconds": probe.took.total_seconds()
            }
            remedy = _("The mailbox's page shows which part takes so long.")
        else:
            error, remedy = probes.describe_stop(
                probe.mailbox, probe.pk, probe.stopped_in, probe.fault
            )
    return Alert(AlertEvent.PROBE_FAILING, probe.mailbox, probe.created_at, error, remedy)
