"""One alert about a mailbox, outgoing mail or a disk: a mail to each administrator, and a line for
the webhook."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from incoming_email.models import AlertEvent, Mailbox, WebhookAlert
from incoming_email.monitoring.alerting.administrators import address_of_page, compose_mails
from issues import outbox
from issues.models import User

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    event: AlertEvent
    mailbox: Mailbox | None
    """None: of outgoing mail or a disk."""

    since: datetime
    error: str = ""
    remedy: str = ""


def write_alert(alert: Alert, people: Sequence[User], *, now: datetime) -> None:
    """Write the mails and the webhook's row, in the transaction that also records the
    notification."""
    event, mailbox = alert.event, alert.mailbox
    pk, name = (None, "") if mailbox is None else (mailbox.pk, mailbox.name)
    url = address_of_page(find_page(event, pk))
    context = {"alert": alert, "mailbox": mailbox, "since": alert.since, "url": url}

    def write(_user: User) -> tuple[str, str]:
        text = render_to_string(f"incoming_email/mail/{event.value}.txt", context)
        return _find_title(event, name), text

    cause = f"{event.value}-{pk or 0}-{now:%Y%m%d%H%M%S%f}"
    mails = compose_mails(people, kind=event.value, cause=cause, write=write)
    if mails:
        outbox.enqueue_many(mails, now=now)
    if settings.ALERT_WEBHOOK_URL:
        WebhookAlert.objects.create(
            mailbox=mailbox, event=event, since=alert.since, error=alert.error, next_attempt_at=now
        )
    logger.warning("alert mailbox=%s event=%s mails=%s", pk, event.value, len(mails))


def find_page(event: AlertEvent, mailbox_id: int | None) -> str:
    """The page of the mailbox, that of outgoing mail, or the dashboard."""
    if event in {AlertEvent.DISK_NEARLY_FULL, AlertEvent.DISK_HAS_SPACE}:
        return reverse("admin:index")
    if mailbox_id is None:
        return reverse("admin:issues_outgoingemail_changelist")
    return reverse("admin:incoming_email_mailbox_change", args=[mailbox_id])


def _find_title(event: AlertEvent, name: str) -> str:
    """`name`: of the mailbox."""
    return {
        AlertEvent.MAILBOX_FAILING: _("No mail is being received through the mailbox %s") % name,
        AlertEvent.MAILBOX_WORKING: _("The mailbox %s works again") % name,
        AlertEvent.PROBE_FAILING: _("Round-trip probes through the mailbox %s are late") % name,
        AlertEvent.PROBE_WORKING: _("Round-trip probes through the mailbox %s have recovered")
        % name,
        AlertEvent.SENDING_FAILING: _("No mail goes out"),
        AlertEvent.SENDING_WORKING: _("Mail goes out again"),
        AlertEvent.DISK_NEARLY_FULL: _("No mail is taken in: a disk is nearly full"),
        AlertEvent.DISK_HAS_SPACE: _("Mail is taken in again: there is space on the disk"),
    }[event]
