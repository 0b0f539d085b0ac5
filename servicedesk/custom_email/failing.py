"""A desk's own mail server that rejects mail: the team is notified once, and once that it works
again."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from issues import outbox
from issues.models import OutgoingEmail, OutgoingState, Role, User
from issues.outbox import NewMail, bare_address, make_message_id
from servicedesk.custom_email.connecting import ACCOUNT
from servicedesk.models import CustomEmail

KIND = "custom_email"


@dataclass(frozen=True, slots=True)
class Outage:
    waiting: int
    """Mails."""

    message: str
    """The message of the server, or of the network."""


def find_outage(custom: CustomEmail) -> Outage | None:
    """The mails that wait because the server could not be reached or refused the log-in.

    Unlike a refusal of a single mail, that costs a mail no attempt.
    """
    return _find_outages([custom]).get(custom.pk)


def _find_outages(customs: "list[CustomEmail]") -> Mapping[int, Outage]:
    """In one query over the mails that wait."""
    rows = OutgoingEmail.objects.filter(
        state=OutgoingState.PENDING,
        attempts=0,
        account__in=[f"{ACCOUNT}{custom.pk}" for custom in customs],
    ).exclude(last_error="")
    found = rows.order_by().values_list("account").annotate(Count("pk"), Max("last_error"))
    return {
        int(account.removeprefix(ACCOUNT)): Outage(count, message)
        for account, count, message in found
    }


def watch_servers(*, now: datetime) -> int:
    """Scheduled: record which servers fail; notify of those that have failed for
    MAILBOX_ALERT_MINUTES, and of those that work again. Returns the number of notified failures and
    recoveries.

    `alerted_at` changes in one transaction with the mail: a crash neither repeats nor loses a
    notification, and of two workers one notifies.
    """
    customs = list(CustomEmail.objects.filter(retired_at=None).select_related("desk__project"))
    outages = _find_outages(customs) if customs else {}
    return sum(_watch(custom, outages.get(custom.pk), now=now) for custom in customs)


def _watch(custom: CustomEmail, outage: Outage | None, *, now: datetime) -> bool:
    unchanged = CustomEmail.objects.filter(
        pk=custom.pk, failing_since=custom.failing_since, alerted_at=custom.alerted_at
    )
    if outage is None:
        return custom.failing_since is not None and _end(custom, unchanged, now=now)
    if custom.failing_since is None:
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


def _notify(custom: CustomEmail, outage: Outage | None, *, now: datetime) -> None:
    """Owners and maintainers, by Letterbox's own server."""
    maintainers_and_owners = User.objects.filter(
        is_active=True,
        memberships__project=custom.desk.project_id,
        memberships__role__in=(Role.OWNER, Role.MAINTAINER),
    )
    people = maintainers_and_owners.exclude(email="").order_by("pk")
    outbox.enqueue_many([_compose(custom, outage, user, now) for user in people], now=now)


def _compose(custom: CustomEmail, outage: Outage | None, user: User, now: datetime) -> NewMail:
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


def _compose_text(custom: CustomEmail, outage: Outage | None) -> tuple[str, str]:
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
        " the mail server %(host)s can't be reached or refuses user and password. They are tried"
        " again each minute, and none is lost. If the password was changed, enter the new one, or"
        " switch the address off: %(url)s"
    )
    message = _("The mail server said: %s") % outage.message
    return subject, f"{text % names}\n\n{message}"
