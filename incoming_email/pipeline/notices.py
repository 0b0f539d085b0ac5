"""The mail that notifies a sender of a rejection or hold: rare, short, and never to unknown
senders."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from incoming_email.keys.own_addresses import find_own
from incoming_email.limits import answer_budget
from incoming_email.limits.answer_budget import FAILED_COMMANDS, HELD, REJECTION
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Hold, Reject
from incoming_email.parsing.addresses import asks_no_answer
from incoming_email.parsing.types import ParsedEmail
from issues import outbox
from issues.mail_addresses import find_spellings
from issues.models import OutgoingEmail, User
from issues.quick_actions import Refusal as FailedCommand

SENT = "sent"
PAUSING_KINDS = (REJECTION, HELD)
"""Kinds of which a sender gets one in NOTICE_PAUSE_MINUTES. Failed commands are reported each time:
who mistyped one tries again at once, and needs an answer."""


def write_rejection(
    row: InboundEmail,
    email: ParsedEmail,
    refusal: Reject,
    *,
    now: datetime,
    proven: bool,
    is_key_holder: bool = False,
) -> str:
    """Notify the sender of the reason, if they have an account, are `proven`, or have the key of
    the person in From; returns what was done, for the trace. A forged From brings nobody any words
    but ours: the subject is named where the sender is proven, or a person with account and key."""
    known = _find_known(email.sender)
    if known is None and not (proven or is_key_holder):
        return "not sent: the sender is a stranger"
    if not (proven or (is_key_holder and known is not None)):
        email = _without_words(email)
    return _why_not_now(row, email, now=now) or _write_reason(
        row, email, refusal, REJECTION, known, now=now
    )


def write_held(
    row: InboundEmail,
    email: ParsedEmail,
    refusal: Hold,
    *,
    now: datetime,
    proven: bool,
    is_key_holder: bool,
) -> str:
    """Notify a person with an account or with the key of the person in From, once, that the
    message waits; nobody else is notified. Of the subject as `write_rejection`."""
    known = _find_known(email.sender)
    if known is None and not is_key_holder:
        return "not sent: the sender is a stranger"
    if not (proven or (is_key_holder and known is not None)):
        email = _without_words(email)
    return _why_not_now(row, email, now=now) or _write_reason(
        row, email, refusal, HELD, known, now=now
    )


def write_failed_commands(
    row: InboundEmail,
    email: ParsedEmail,
    author: User,
    failed_commands: Sequence[FailedCommand],
    *,
    now: datetime,
) -> str:
    """Notify the author which commands failed, at a verified address of theirs.

    That is the one they wrote from, or where From is no address of theirs, that of their account:
    it was done in their name.
    """
    theirs = EmailAddress.objects.filter(user=author, verified=True)
    addresses = set(theirs.values_list("email", flat=True))
    written = next(filter(addresses.__contains__, find_spellings(email.sender)), "")
    recipient = written or author.email.lower()
    if recipient not in addresses:
        return "not sent: the author has no proven address"
    refusal = _why_never(email, recipient) or _why_no_more(row, recipient, now=now)
    if refusal:
        return refusal
    with translation.override(author.language):
        subject = _("Not carried out: %s") % (email.subject or _("(no subject)"))
        text = render_to_string(
            "incoming_email/mail/quick_actions.txt",
            {
                "failed_commands": failed_commands,
                "url": settings.BASE_URL + reverse("quick-actions"),
                "received_at": row.received_at,
            },
        )
    return _enqueue(row, email, FAILED_COMMANDS, recipient, subject, text, now=now)


def _without_words(email: ParsedEmail) -> ParsedEmail:
    """A forged From brings nobody any words but ours."""
    return replace(email, subject="")


def _find_known(sender: str) -> EmailAddress | None:
    if not sender:
        return None
    verified = EmailAddress.objects.select_related("user").filter(
        email__in=find_spellings(sender), verified=True, user__is_active=True
    )
    return verified.first()


def _why_not_now(row: InboundEmail, email: ParsedEmail, *, now: datetime) -> str:
    """The rule that forbids a notice to the sender, or nothing."""
    refusal = _why_never(email, email.sender)
    if refusal:
        return refusal
    notified = OutgoingEmail.objects.filter(
        recipient__in=find_spellings(email.sender), kind__in=PAUSING_KINDS
    )
    pause = timedelta(minutes=settings.NOTICE_PAUSE_MINUTES)
    if notified.filter(created_at__gt=now - pause).exists():
        return f"not sent: the sender was told in the last {settings.NOTICE_PAUSE_MINUTES} minutes"
    return _why_no_more(row, email.sender, now=now)


def _why_never(email: ParsedEmail, recipient: str) -> str:
    if email.why_unanswered:
        return f"not sent: {email.why_unanswered}"
    if asks_no_answer(recipient):
        return "not sent: nobody reads what is sent to the sender's address"
    if find_own([recipient]):
        return "not sent: the sender is one of our own addresses"
    return ""


def _why_no_more(row: InboundEmail, recipient: str, *, now: datetime) -> str:
    limit = answer_budget.find_used_up(recipient, mailbox_id=row.mailbox_id, now=now)
    if not limit:
        return ""
    return f"not sent: the limit of automatic answers is reached ({limit})"


def _write_reason(
    row: InboundEmail,
    email: ParsedEmail,
    refusal: Reject | Hold,
    kind: str,
    known: EmailAddress | None,
    *,
    now: datetime,
) -> str:
    language = known.user.language if known else settings.LANGUAGE_CODE
    with translation.override(language):
        named, bare = (
            (_("Not accepted: %s"), _("Your email was not accepted"))
            if kind == REJECTION
            else (_("Waiting for review: %s"), _("Your email is waiting for review"))
        )
        subject = named % email.subject if email.subject else bare
        text = render_to_string(
            f"incoming_email/mail/{kind}.txt",
            {
                "sentence": refusal.reason.for_sender,
                "detail": refusal.detail if isinstance(refusal, Reject) else "",
                "received_at": row.received_at,
            },
        )
    return _enqueue(row, email, kind, email.sender, subject, text, now=now)


def _enqueue(  # noqa: PLR0913  (one argument a column)
    row: InboundEmail,
    email: ParsedEmail,
    kind: str,
    recipient: str,
    subject: str,
    text: str,
    *,
    now: datetime,
) -> str:
    written = outbox.enqueue(
        kind=kind,
        effect_key=f"{kind}-{row.pk}",
        recipient=recipient,
        subject=subject,
        text=text,
        envelope_sender="",
        headers=outbox.MailHeaders(
            automatic=outbox.Automatic.REPLIED, in_reply_to=email.message_id
        ),
        message_id=outbox.make_message_id(f"{kind}-{row.pk}.{secrets.token_hex(8)}"),
        budget=answer_budget.name_budget(row.mailbox_id),
        now=now,
    )
    return SENT if written else "not sent: the sender was told about this message before"
