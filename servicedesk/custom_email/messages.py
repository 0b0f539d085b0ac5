"""The verification mails, and the mails about their result."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from issues import outbox
from issues.models import OutgoingEmail, Role, User
from issues.outbox import Automatic, MailHeaders, NewMail, bare_address, make_message_id
from issues.outbox.messages import build_message
from servicedesk.custom_email.addressing import verification_address
from servicedesk.models import CustomEmail, Fault, Verification

KIND = "custom_email"
CHALLENGE = "custom_email_challenge"
START_PAUSE = timedelta(minutes=1)
LABEL = "Verification token:"
"""The same in every language: the token is found behind it."""


def write_verification(custom: CustomEmail, token: str, *, now: datetime) -> EmailMessage:
    """From the address to itself. Otherwise like a mail of ours, so it is recognised when it comes
    back."""
    mail = replace(
        _write_token(custom, token, cause=f"verify-{custom.pk}-{_round(custom)}"),
        envelope_sender=custom.address,
        from_header=custom.address,
    )
    return build_message(mail.as_row(now))


def write_challenge(custom: CustomEmail, token: str) -> NewMail:
    """From us to the address, by our own server."""
    return _write_token(custom, token, cause=f"{CHALLENGE}-{custom.pk}-{_round(custom)}")


def _write_token(custom: CustomEmail, token: str, *, cause: str) -> NewMail:
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("Verification of %s") % custom.address
        text = _(
            "This mail verifies that %(address)s forwards to Letterbox. Leave it as it is."
        ) % {"address": custom.address}
    return NewMail(
        kind=CHALLENGE,
        effect_key=cause,
        recipient=verification_address(custom),
        subject=subject,
        text=f"{text}\n\n{LABEL} {token}\n",
        envelope_sender=bare_address(settings.DEFAULT_FROM_EMAIL),
        message_id=make_message_id(cause),
        headers=MailHeaders(automatic=Automatic.NO),
        project=custom.desk.project,
    )


def notify(custom: CustomEmail, *, now: datetime) -> None:
    """Notify the owners, and who started it, of a start, a success and a failure. That of a start
    waits until the mail can have been handed in, and is not sent where that failed."""
    people = User.objects.filter(is_active=True).exclude(email="")
    owners = people.filter(
        memberships__project=custom.desk.project_id, memberships__role=Role.OWNER
    )
    readers = {user.pk: user for user in owners}
    if custom.triggerer is not None and custom.triggerer.is_active and custom.triggerer.email:
        readers[custom.triggerer.pk] = custom.triggerer
    later = now + START_PAUSE if custom.state == Verification.STARTED else None
    mails = [_compose(custom, user) for user in readers.values()]
    outbox.enqueue_many([replace(mail, not_before=later) for mail in mails], now=now)


def withdraw_start(custom: CustomEmail) -> None:
    """Take back what was not sent yet of a start."""
    cause = f"{_name(custom, Verification.STARTED)}-u"
    OutgoingEmail.objects.held().filter(effect_key__startswith=cause).delete()


def _name(custom: CustomEmail, state: str) -> str:
    return f"{KIND}-{custom.pk}-{_round(custom)}-{state}"


def _compose(custom: CustomEmail, user: User) -> NewMail:
    cause = f"{_name(custom, custom.state)}-u{user.pk}"
    with translation.override(user.language):
        subject, text = _compose_text(custom)
    return NewMail(
        kind=KIND,
        effect_key=cause,
        recipient=user.email,
        subject=subject,
        text=text,
        envelope_sender=bare_address(settings.DEFAULT_FROM_EMAIL),
        message_id=make_message_id(cause),
        project=custom.desk.project,
    )


def _compose_text(custom: CustomEmail) -> tuple[str, str]:
    names = {
        "address": custom.address,
        "project": custom.desk.project.path,
        "minutes": settings.DESK_VERIFICATION_MINUTES,
    }
    if custom.state == Verification.STARTED:
        subject = _("Verification of %(address)s started") % names
        text = _(
            "The service desk of %(project)s is to write from %(address)s. A mail was sent to that"
            " address, and must come back to the desk within %(minutes)s minutes. If you know"
            " nothing of this, ask the maintainers of the project."
        )
        return subject, text % names
    if custom.state == Verification.FINISHED:
        subject = _("%(address)s is verified") % names
        text = _(
            "%(address)s forwards to the service desk of %(project)s. The desk writes from it as"
            " soon as a maintainer enables it in the desk's settings."
        )
        return subject, text % names
    subject = _("Verification of %(address)s failed") % names
    reason = str(Fault(custom.fault).label)
    detail = _("The mail server said: %s") % custom.fault_detail if custom.fault_detail else ""
    return subject, "\n\n".join(part for part in (reason, detail) if part)


def _round(custom: CustomEmail) -> str:
    """Identifies one verification of an address."""
    return "0" if custom.started_at is None else str(int(custom.started_at.timestamp() * 1_000_000))
