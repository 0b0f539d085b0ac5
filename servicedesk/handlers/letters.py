"""Converts a parsed mail into the values that the desk needs."""

from dataclasses import replace

from incoming_email.handlers.base import Context
from incoming_email.handlers.texts import new_files
from incoming_email.keys.own_addresses import find_own
from incoming_email.parsing.addresses import asks_no_answer
from incoming_email.parsing.types import ParsedEmail
from servicedesk.models import ServiceDesk
from servicedesk.tickets import Letter

OPEN_RECIPIENTS = {"To", "Cc"}


def letter_of_ticket(email: ParsedEmail, desk: ServiceDesk, context: Context) -> Letter:
    """The whole text, quotes included: to a new reader nothing of it is history."""
    requester = find_requester(email, desk)
    letter = _letter(
        email,
        context,
        sender=requester,
        text=email.text,
        proven=context.proof.passed and requester == email.sender,
    )
    if requester == email.sender or desk.takes_reply_to_of(email.sender):
        return letter
    return replace(letter, cc=(email.sender, *letter.cc))  # who forwarded it


def letter_of_reply(email: ParsedEmail, context: Context, *, proven: bool) -> Letter:
    """One that is not proven brings nobody in."""
    letter = _letter(
        email, context, sender=email.sender, text=email.reply, quoted=email.quoted, proven=proven
    )
    return letter if proven else replace(letter, cc=())


def find_requester(email: ParsedEmail, desk: ServiceDesk) -> str:
    """From; Reply-To only in mail of the desk's web forms; the author of a forwarded message, where
    the desk is set so."""
    if email.reply_to and desk.takes_reply_to_of(email.sender):
        return email.reply_to
    return (desk.take_forwarded and find_forwarded_author(email)) or email.sender


def find_forwarded_author(email: ParsedEmail) -> str:
    """Empty where nothing was forwarded, or a mail of ours, which no customer asked for."""
    author = email.forwarded.address if email.forwarded else ""
    return "" if not author or find_own([author]) else author


def _letter(
    email: ParsedEmail,
    context: Context,
    *,
    sender: str,
    text: str,
    proven: bool,
    quoted: str = "",
) -> Letter:
    return Letter(
        sender=sender,
        message_id=email.message_id,
        subject=email.subject,
        text=text,
        quoted=quoted,
        now=context.now,
        references=email.references,
        cc=_find_people(email),
        answerable=not (email.why_unanswered or asks_no_answer(sender)),
        proven=proven,
        mailbox_id=context.mailbox_id,
        files=new_files(email, context.inbound_email_id),
    )


def _find_people(email: ParsedEmail) -> tuple[str, ...]:
    """The other recipients: the people in To and Cc.

    Nobody where the desk is in neither, since the mail was then a blind copy, and nobody of a mail
    that came through a list: it names the list.
    """
    people = tuple(c.address for c in email.candidates if c.header in OPEN_RECIPIENTS)
    return people if not email.is_bulk and find_own(people) else ()
