"""What mail from an external participant does: it opens a ticket, or adds a note to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from issues import services
from issues.mail_addresses import canonical_address
from issues.models import Note, State, Visibility
from issues.uploads import NewFile
from servicedesk import mails, threads
from servicedesk.bot import find_bot
from servicedesk.models import Participant, ServiceDesk, Ticket, UnprovenNote
from servicedesk.participants import add_participants, forget_bounces_of
from servicedesk.reopening import reopen_for_participant
from servicedesk.ticket_templates import carry_out, read_template


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of an external participant's mail, as a handler passes it."""

    sender: str
    message_id: str
    subject: str
    text: str
    """For a ticket the whole text, for a note what the person wrote."""

    now: datetime
    quoted: str = ""
    references: tuple[str, ...] = ()
    """Of the mail's thread, oldest first."""

    cc: tuple[str, ...] = ()
    """Those who may join by it, where the desk lets people in Cc do so."""

    answerable: bool = True
    """Not where an automatic answer would reach a robot or a whole list."""

    proven: bool = False
    """It is the sender's, by a key or by what authenticates mail. Else everybody could have written
    it, and no automatic mail carries its words."""

    mailbox_id: int | None = None
    """By which it came."""

    files: Sequence[NewFile] = ()


@transaction.atomic
def open_ticket(desk: ServiceDesk, letter: Letter) -> Ticket:
    """Opens the ticket with its thank-you mail, in one transaction. A letter without a sender makes
    a ticket that has no external participant."""
    bot = find_bot(desk.project)
    template = read_template(desk)
    issue = services.create_issue(
        project=desk.project,
        author=bot,
        external_author=letter.sender,
        title=template.opening.title or letter.subject,
        description=template.below(letter.text),
        confidential=is_confidential(desk) or template.opening.confidential,
        files=letter.files,
    )
    ticket = Ticket.objects.create(
        issue=issue,
        requester=letter.sender,
        waiting_since=letter.now,
        proven=letter.proven,
    )
    people = [letter.sender, *(letter.cc if desk.add_cc else ())]
    joined = add_participants(ticket, [p for p in people if p], added_by=None, now=letter.now)
    requester = _among(joined, letter.sender)
    if requester is not None:
        forget_bounces_of(requester.address)
    threads.record(
        ticket, letter.message_id, participant=requester, from_outside=True, now=letter.now
    )
    if requester is not None and letter.answerable:
        mails.write_thank_you(
            desk,
            ticket,
            requester,
            earlier=letter.references,
            mailbox_id=letter.mailbox_id,
            now=letter.now,
        )
    if letter.proven:
        others = [p for p in joined if p != requester]
        mails.write_to_new_participants(
            desk, ticket, others, mailbox_id=letter.mailbox_id, now=letter.now
        )
    carry_out(template, issue, bot=bot, now=letter.now)
    return ticket


def is_confidential(desk: ServiceDesk) -> bool:
    """In a public project everybody reads the issues, so a customer's must never be one."""
    return desk.confidential or desk.project.visibility == Visibility.PUBLIC


@transaction.atomic
def add_reply(desk: ServiceDesk | None, ticket: Ticket, letter: Letter) -> Note:
    """Adds a note of an external participant to their ticket."""
    issue = ticket.issue
    bot = find_bot(issue.project)
    note = services.create_note(
        item=issue,
        author=bot,
        external_author=letter.sender,
        body=letter.text,
        quoted=letter.quoted,
        files=letter.files,
    )
    if not letter.proven:
        UnprovenNote.objects.create(note=note)
    author = _among(list(ticket.participants.all()), letter.sender)
    if author is not None:
        forget_bounces_of(author.address)
    threads.record(ticket, letter.message_id, participant=author, from_outside=True, now=letter.now)
    Ticket.objects.filter(pk=ticket.pk, waiting_since=None).update(waiting_since=letter.now)
    Ticket.objects.filter(pk=ticket.pk, snoozed_until__isnull=False).update(snoozed_until=None)
    # Whom the team removed may answer what they have, and brings nobody in: not even themselves.
    if desk is not None and desk.add_cc and letter.cc and author is not None:
        joined = add_participants(ticket, letter.cc, added_by=None, now=letter.now)
        # Cc gives access to this mail, and to nothing that was written before.
        ids = [letter.message_id] if letter.message_id else []
        mails.write_to_new_participants(
            desk,
            ticket,
            joined,
            earlier=ids,
            includes_description=False,
            mailbox_id=letter.mailbox_id,
            now=letter.now,
        )
    if desk is not None and desk.reopen and author is not None and issue.state == State.CLOSED:
        reopen_for_participant(issue, bot=bot)
    return note


def _among(people: Sequence[Participant], address: str) -> Participant | None:
    wanted = canonical_address(address)
    return next((p for p in people if canonical_address(p.address) == wanted), None)
