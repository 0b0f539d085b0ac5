"""Administrators are told once that a mailbox has failed for long, and once that it works again."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from incoming_email.alerting.administrators import (
    address_of_page,
    compose_mails,
    find_administrators,
)
from incoming_email.models import AlertEvent, Mailbox, WebhookAlert
from issues import outbox
from issues.models import User

logger = logging.getLogger(__name__)


def tell_administrators(*, now: datetime) -> int:
    """Write what is to be told of mailboxes whose state changed; return of how many.

    `Mailbox.alerted_at` remembers what was told. It changes in one transaction with the mail, so
    a crash tells neither twice nor never, and of two workers one tells.
    """
    working = list(_find_working())
    failing = list(_find_failing(now))
    if not (working or failing):
        return 0
    people = find_administrators()
    told = [_tell_working(mailbox, people, now=now) for mailbox in working]
    told += [_tell_failing(mailbox, people, now=now) for mailbox in failing]
    return sum(told)


def _find_failing(now: datetime) -> QuerySet[Mailbox]:
    limit = now - timedelta(minutes=settings.MAILBOX_ALERT_MINUTES)
    return Mailbox.objects.filter(enabled=True, alerted_at=None, failing_since__lte=limit)


def _find_working() -> QuerySet[Mailbox]:
    """Told of as failing, and read since; a failure that began later is another one."""
    since = Q(failing_since=None) | Q(failing_since__gt=F("alerted_at"))
    return Mailbox.objects.filter(since, alerted_at__isnull=False)


def _tell_failing(mailbox: Mailbox, people: Sequence[User], *, now: datetime) -> bool:
    since = mailbox.failing_since
    assert since is not None  # noqa: S101  (_find_failing)
    unchanged = Mailbox.objects.filter(pk=mailbox.pk, alerted_at=None, failing_since=since)
    with transaction.atomic():
        if not unchanged.update(alerted_at=now):
            return False
        _write(AlertEvent.MAILBOX_FAILING, mailbox, people, since=since, now=now)
    return True


def _tell_working(mailbox: Mailbox, people: Sequence[User], *, now: datetime) -> bool:
    alerted_at = mailbox.alerted_at
    assert alerted_at is not None  # noqa: S101  (_find_working)
    unchanged = Mailbox.objects.filter(pk=mailbox.pk, alerted_at=alerted_at)
    with transaction.atomic():
        if not unchanged.update(alerted_at=None):
            return False
        since = mailbox.last_success_at or now
        _write(AlertEvent.MAILBOX_WORKING, mailbox, people, since=since, now=now)
    return True


def _write(
    event: AlertEvent, mailbox: Mailbox, people: Sequence[User], *, since: datetime, now: datetime
) -> None:
    context = {
        "mailbox": mailbox,
        "since": since,
        "url": address_of_page(reverse("admin:incoming_email_mailbox_change", args=[mailbox.pk])),
    }

    def write(_user: User) -> tuple[str, str]:
        titles = {
            AlertEvent.MAILBOX_FAILING: _("No mail comes in by the mailbox %s"),
            AlertEvent.MAILBOX_WORKING: _("The mailbox %s works again"),
        }
        text = render_to_string(f"incoming_email/mail/{event.value}.txt", context)
        return titles[event] % mailbox.name, text

    cause = f"{event.value}-{mailbox.pk}-{now:%Y%m%d%H%M%S%f}"
    mails = compose_mails(people, kind=event.value, cause=cause, write=write)
    if mails:
        outbox.enqueue_many(mails, now=now)
    if settings.ALERT_WEBHOOK_URL:
        WebhookAlert.objects.create(
            mailbox=mailbox,
            event=event,
            since=since,
            error=mailbox.last_error if event == AlertEvent.MAILBOX_FAILING else "",
            next_attempt_at=now,
        )
    logger.warning("alert mailbox=%s event=%s mails=%s", mailbox.pk, event.value, len(mails))
