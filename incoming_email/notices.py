"""The mail that tells a sender what became of a message: rare, short, and never to a stranger."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Reason
from incoming_email.parsing.types import ParsedEmail
from incoming_email.sender_auth import NOT_CHECKED, SignatureCheck, is_authenticated
from issues import outbox
from issues.models import EmailAddress, OutgoingEmail

REJECTION = "rejection"
HELD = "held"
AUTOMATIC_KINDS = (REJECTION, HELD)
"""Kinds of outgoing mail that answer a mail by themselves; LOOP_LIMIT_PER_HOUR counts them."""


def write_rejection(
    row: InboundEmail,
    email: ParsedEmail,
    reason: Reason,
    *,
    now: datetime,
    signatures: SignatureCheck = NOT_CHECKED,
) -> str:
    """Tell the sender why; return what was done, for the trace."""
    known = _find_known(email.sender)
    results, trusted = email.authentication_results, row.mailbox.trusted_authserv_id
    proven = is_authenticated(email.sender, results, trusted=trusted, signatures=signatures)
    if known is None and not proven:
        return "not sent: the sender is a stranger"
    return _why_not(email, now=now) or _write(row, email, reason, REJECTION, known, now=now)


def write_held(row: InboundEmail, email: ParsedEmail, reason: Reason, *, now: datetime) -> str:
    """Tell a person with an account, once, that the message waits; a stranger nothing."""
    known = _find_known(email.sender)
    if known is None:
        return "not sent: the sender is a stranger"
    return _why_not(email, now=now) or _write(row, email, reason, HELD, known, now=now)


def _find_known(sender: str) -> EmailAddress | None:
    if not sender:
        return None
    verified = EmailAddress.objects.select_related("user").filter(
        address=sender, verified_at__isnull=False, user__is_active=True
    )
    return verified.first()


def _why_not(email: ParsedEmail, *, now: datetime) -> str:
    """The rule that forbids an answer, or nothing."""
    if email.null_return_path:
        return "not sent: the message has the null reverse-path"
    if email.is_bulk:
        return "not sent: the message came through a list or went to many"
    if any(mailbox.template.matches(email.sender) for mailbox in Mailbox.objects.all()):
        return "not sent: the sender is one of our own addresses"
    answers = OutgoingEmail.objects.filter(recipient=email.sender, kind__in=AUTOMATIC_KINDS)
    pause = timedelta(minutes=settings.NOTICE_PAUSE_MINUTES)
    if answers.filter(created_at__gt=now - pause).exists():
        return f"not sent: the sender was told in the last {settings.NOTICE_PAUSE_MINUTES} minutes"
    if (
        answers.filter(created_at__gt=now - timedelta(hours=1)).count()
        >= settings.LOOP_LIMIT_PER_HOUR
    ):
        return "not sent: the limit of automatic answers an hour is reached"
    return ""


def _write(
    row: InboundEmail,
    email: ParsedEmail,
    reason: Reason,
    kind: str,
    known: EmailAddress | None,
    *,
    now: datetime,
) -> str:
    language = known.user.language if known else settings.LANGUAGE_CODE
    with translation.override(language):
        title = _("Not accepted: %s") if kind == REJECTION else _("Waiting for review: %s")
        text = render_to_string(
            f"incoming_email/mail/{kind}.txt",
            {"sentence": reason.label, "subject": email.subject, "received_at": row.received_at},
        )
    written = outbox.enqueue(
        kind=kind,
        effect_key=f"{kind}-{row.pk}",
        recipient=email.sender,
        subject=title % (email.subject or _("(no subject)")),
        text=text,
        envelope_sender="",
        headers={
            "Auto-Submitted": "auto-replied",
            **({"In-Reply-To": f"<{email.message_id}>"} if email.message_id else {}),
        },
        message_id=f"{kind}-{row.pk}.{secrets.token_hex(8)}@{settings.MESSAGE_ID_HOST}",
        now=now,
    )
    return "sent" if written else "not sent: the sender was told about this message before"
