"""Converts a parsed mail into the values that the desk needs."""

from dataclasses import replace

from incoming_email.handlers.base import Context
from incoming_email.handlers.texts import new_files
from incoming_email.keys.own_addresses import find_own
from incoming_email.parsing.addresses import asks_no_answer
from incoming_email.parsing.mime.automatic import has_automatic_subject
from incoming_email.parsing.types import ParsedEmail
from issues.models import Role, User
from issues.permissions import has_role
from servicedesk.members import find_member_of_project, find_owners
from servicedesk.models import ServiceDesk
from servicedesk.tickets import Letter, is_confidential

OPEN_RECIPIENTS = {"To", "Cc"}


def letter_of_ticket(email: ParsedEmail, requester: str, context: Context) -> Letter:
    """The whole text, quotes included: to a new reader nothing of it is history."""
    return _letter(
        email,
        context,
        sender=requester,
        text=email.text,
        proven=context.proof.passed and requester == email.sender,
    )


def letter_of_reply(
    email: ParsedEmail, context: Context, *, title: str, proven: bool, is_own: bool
) -> Letter:
    """One that is not proven brings nobody in. `title`: of the ticket, which may itself begin as
    automatic answers do. `is_own`: nobody but its sender can have written it."""
    letter = _letter(
        email, context, sender=email.sender, text=email.reply, quoted=email.quoted, proven=proven
    )
    if has_automatic_subject(email.subject) and not has_automatic_subject(title):
        letter = replace(letter, looks_automatic=True)
    elif is_own:
        letter = replace(letter, own_since=context.received)
    return letter if proven else replace(letter, cc=())


def find_requester(email: ParsedEmail, desk: ServiceDesk, context: Context) -> str:
    """From; Reply-To only in mail of the desk's web forms; the author of a forwarded message where
    the desk is set so and a member forwards it, unless that is a member's mail too: a stranger may
    invent a forward."""
    if email.reply_to and desk.takes_reply_to_of(email.sender):
        return email.reply_to
    author = find_forwarded_author(email) if desk.take_forwarded else ""
    is_taken = author and _is_members(email.sender, desk, context)
    return author if is_taken and find_opening_member(author, desk) is None else email.sender


def find_opening_member(address: str, desk: ServiceDesk) -> User | None:
    """The member whose address it is, and who would read a new ticket of the desk."""
    return find_member_of_project(address, desk.project, confidential=is_confidential(desk))


def find_forwarded_author(email: ParsedEmail) -> str:
    """Empty where nothing was forwarded, or a mail of ours, which no customer asked for."""
    author = email.forwarded.address if email.forwarded else ""
    return "" if not author or find_own([author]) else author


def _is_members(sender: str, desk: ServiceDesk, context: Context) -> bool:
    """Whether a member of the project wrote it, proven where the mailbox asks for proof."""
    if context.asks_proof and not context.proof.passed:
        return False
    owners = find_owners([sender]).values()
    return any(has_role(user, desk.project, Role.GUEST) for user in owners)


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
        sender_name=_find_name(email, sender),
        subject=email.subject,
        text=text,
        quoted=quoted,
        now=context.now,
        references=email.references,
        cc=_find_people(email),
        recipients=find_recipients(email),
        answerable=not (email.why_unanswered or asks_no_answer(sender)),
        proven=proven,
        mailbox_id=context.mailbox_id,
        files=new_files(email, context.inbound_email_id),
    )


def _find_name(email: ParsedEmail, sender: str) -> str:
    """From names its own address; of a forward, its author; of a web form, nobody."""
    if sender == email.sender and not email.shown_from:
        return email.sender_name
    forwarded = email.forwarded
    return forwarded.name if forwarded is not None and forwarded.address == sender else ""


def find_recipients(email: ParsedEmail) -> tuple[str, ...]:
    """All in To and Cc."""
    return tuple(c.address for c in email.candidates if c.header in OPEN_RECIPIENTS)


def _find_people(email: ParsedEmail) -> tuple[str, ...]:
    """The other recipients: the people in To and Cc.

    Nobody where the desk is in neither, since the mail was then a blind copy, and nobody of a mail
    that came through a list: it names the list.
    """
    people = find_recipients(email)
    return people if not email.is_bulk and find_own(people) else ()
