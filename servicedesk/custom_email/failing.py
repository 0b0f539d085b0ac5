"""A desk's own mail server that rejects mail: the team is notified once, and once that it works
again."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from issues import outbox
from issues.clock_skew import latest_now
from issues.models import Role, User
from issues.outbox import Failure, NewMail, bare_address, make_message_id
from servicedesk.custom_email.connecting import account_of
from servicedesk.models import CustomEmail

KIND = "custom_email"


def find_outage(custom: CustomEmail) -> Failure | None:
    """Since when its server takes no mail, in its words, and how many mails wait for it."""
    return outbox.find_failure(account_of(custom))


def watch_servers(*, now: datetime) -> int:
    """Scheduled: record which servers fail; notify of those that have failed for
    MAILBOX_ALERT_MINUTES, and of those that work again. Returns the number of notified failures and
    recoveries.

    `alerted_at` changes in one transaction with the mail: a crash neither repeats nor loses a
    notification, and of two workers one notifies.
    """
    customs = list(CustomEmail.objects.filter(retired_at=None).select_related("desk__project"))
    outages = outbox.find_failures(*map(account_of, customs)) if customs else {}
    return sum(_watch(custom, outages.get(account_of(custom)), now=now) for custom in customs)


def _watch(custom: CustomEmail, outage: Failure | None, *, now: datetime) -> bool:
    unchanged = CustomEmail.objects.filter(
        pk=custom.pk, failing_since=custom.failing_since, alerted_at=custom.alerted_at
    )
    if outage is None:
        return custom.failing_since is not None and _end(custom, unchanged, now=now)
    if custom.failing_since is None or custom.failing_since > latest_now(now):
        unchanged.update(failing_since=now)
        return False
    is_long = custom.failing_since <= now - timedelta(minutes=settings.MAILBOX_ALERT_MINUTES)
    if not is_long or custom.alerted_at is not None:
        return False
    with transaction.atomic():
        notified = bool(unchanged.update(alerted_at=now))
        if notified:
            _notify(custom, outage, now=now)
    return notified


def _end(custom: CustomEmail, unchanged: QuerySet[CustomEmail], *, now: datetime) -> bool:
    with transaction.atomic():
        was_notified = unchanged.update(failing_since=None, alerted_at=None) and custom.alerted_at
        if was_notified:
            _notify(custom, None, now=now)
    return bool(was_notified)


def _notify(custom: CustomEmail, outage: Failure | None, *, now: datetime) -> None:
    """Owners and maintainers, by Letterbox's own server."""
    maintainers_and_owners = User.objects.filter(
        is_active=True,
        memberships__project=custom.desk.project_id,
        memberships__role__in=(Role.OWNER, Role.MAINTAINER),
    )
    people = maintainers_and_owners.exclude(email="").order_by("pk")
    outbox.enqueue_many([_compose(custom, outage, user, now) for user in people], now=now)


def _compose(custom: CustomEmail, outage: Failure | None, user: User, now: datetime) -> NewMail:
    state = "works" if outage is None else "fails"
    cause = f"{KIND}-{custom.pk}-{state}-{now:%Y%m%d%H%M%S%f}-u{user.pk}"
    with translation.override(user.language):
        subject, text = _compose_text(custom, outage)
    return NewMail(
        kind=KIND,
        effect_key=cause,
        recipient=user.email,
        subject=subject,
        text=text,
        envelope_sender=bare_address(settings.DEFAULT_FROM_EMAIL),
        message_id=make_message_id(f"{cause}.{secrets.token_hex(8)}"),
        project=custom.desk.project,
    )


def _compose_text(custom: CustomEmail, outage: Failure | None) -> tuple[str, str]:
    path = custom.desk.project.path
    names = {
        "address": custom.address,
        "project": path,
        "host": custom.host,
        "url": settings.BASE_URL + reverse("desk-address", kwargs={"path": path}),
    }
    if outage is None:
        subject = _("The mail server of %(address)s works again") % names
        text = _("The mails of the service desk of %(project)s that waited for it are sent.")
        return subject, text % names
    assert custom.failing_since is not None  # noqa: S101  (_watch)
    names["since"] = format_date(localtime(custom.failing_since), "Y-m-d H:i e")
    names["count"] = str(outage.waiting)
    subject = _("The mail server of %(address)s is rejecting mail") % names
    text = _(
        "Since %(since)s, mails of the service desk of %(project)s wait (now %(count)s), because"
        " the mail server %(host)s can't be reached or refuses to send them. It is tried again"
        " every few minutes. If the password was changed, enter the new one, or switch the address"
        " off: %(url)s"
    )
    message = _("The mail server said: %s") % outage.message
    return subject, f"{text % names}\n\n{message}"
