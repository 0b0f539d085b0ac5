"""One alert about a mailbox: a mail to each administrator, and a line for the webhook."""

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
    mailbox: Mailbox
    since: datetime
    error: str = ""
    remedy: str = ""


def write_alert(alert: Alert, people: Sequence[User], *, now: datetime) -> None:
    """Write the mails and the webhook's row, in the transaction that also records the
    notification."""
    event, mailbox = alert.event, alert.mailbox
    page = reverse("admin:incoming_email_mailbox_change", args=[mailbox.pk])
    context = {"alert": alert, "mailbox": mailbox, "since": alert.since}
    context["url"] = address_of_page(page)

    def write(_user: User) -> tuple[str, str]:
        text = render_to_string(f"incoming_email/mail/{event.value}.txt", context)
        return _find_title(event) % mailbox.name, text

    cause = f"{event.value}-{mailbox.pk}-{now:%Y%m%d%H%M%S%f}"
    mails = compose_mails(people, kind=event.value, cause=cause, write=write)
    if mails:
        outbox.enqueue_many(mails, now=now)
    if settings.ALERT_WEBHOOK_URL:
        WebhookAlert.objects.create(
            mailbox=mailbox, event=event, since=alert.since, error=alert.error, next_attempt_at=now
        )
    logger.warning("alert mailbox=%s event=%s mails=%s", mailbox.pk, event.value, len(mails))


def _find_title(event: AlertEvent) -> str:
    return {
        AlertEvent.MAILBOX_FAILING: _("No mail is being received through the mailbox %s"),
        AlertEvent.MAILBOX_WORKING: _("The mailbox %s works again"),
        AlertEvent.PROBE_FAILING: _("Round-trip probes through the mailbox %s are late"),
        AlertEvent.PROBE_WORKING: _("Round-trip probes through the mailbox %s have recovered"),
    }[event]
