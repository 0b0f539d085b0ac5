"""Mail to the address of a desk opens a ticket, or goes on with the one that it answers."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.keys.own_addresses import find_own
from incoming_email.outcomes import Held, Ignored, Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues.models import Project
from servicedesk import threads
from servicedesk.addresses import DEFAULT
from servicedesk.handlers.letters import find_requester, letter_of_reply, letter_of_ticket
from servicedesk.models import NonParticipantPolicy, ServiceDesk, Ticket
from servicedesk.participants import find_participant
from servicedesk.tickets import add_reply, open_ticket


class TicketHandler:
    name: ClassVar[str] = "ticket"
    pattern: ClassVar[re.Pattern[str]] = DEFAULT
    example: ClassVar[str] = "acme-shop-20-issue-"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = False
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        """A project without a desk is answered like one that does not exist."""
        project = Project.objects.filter(
            pk=int(key["project_id"]), service_desk__enabled=True
        ).first()
        return None if project is None else Target(project=project)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        return handle_mail(email, target.project, context)


def handle_mail(email: ParsedEmail, project: Project, context: Context) -> Outcome:
    """A reply of a participant becomes a note, whichever mail of the thread it answers.

    The row of the desk is locked, so that of two copies of a mail one finds the other.
    """
    desks = ServiceDesk.objects.select_for_update(of=("self",)).select_related("project")
    desk = desks.get(project=project)
    if threads.has_letter(project, email.message_id, find_requester(email, desk)):
        raise Ignored(Reason.DUPLICATE)
    ticket = threads.find_ticket(email.answered_ids, project)
    if ticket is not None and _may_write(ticket, desk, email, context):
        return reply_to_ticket(email, ticket, desk, context, may_bring_people=context.proof.passed)
    if not (email.text.strip() or email.subject or email.attachments):
        raise Rejected(Reason.EMPTY)
    letter = letter_of_ticket(email, desk, context)
    if letter.sender and find_own([letter.sender]):
        raise Ignored(Reason.OWN_MAIL)
    made = open_ticket(desk, letter)
    return Outcome(f"ticket {made.issue}", made.issue)


def reply_to_ticket(
    email: ParsedEmail,
    ticket: Ticket,
    desk: ServiceDesk | None,
    context: Context,
    *,
    may_bring_people: bool,
) -> Outcome:
    """`may_bring_people`: it is proven to be the participant's, by a key or otherwise. From alone,
    which anybody can write, lets nobody else in."""
    Ticket.objects.select_for_update().get(pk=ticket.pk)  # one copy of a mail after the other
    if threads.has_letter(ticket.issue.project, email.message_id, email.sender):
        raise Ignored(Reason.DUPLICATE)
    if ticket.issue.locked:
        raise Rejected(Reason.LOCKED)
    letter = letter_of_reply(email, context, may_bring_people=may_bring_people)
    if not (letter.text.strip() or letter.files):
        raise Rejected(Reason.EMPTY)
    note = add_reply(desk, ticket, letter)
    return Outcome(f"note {note.pk} on issue {ticket.issue}", note)


def _may_write(ticket: Ticket, desk: ServiceDesk, email: ParsedEmail, context: Context) -> bool:
    """False: the unknown sender gets a ticket of their own. Raises Held where a person must
    review."""
    if find_participant(ticket, email.sender) is not None:
        _require_proof(context)
        return True
    if desk.strangers == NonParticipantPolicy.NEW_TICKET:
        return False
    if Reason.STRANGER.value in context.waived:
        return True
    raise Held(Reason.STRANGER, rule=Reason.STRANGER.value)


def _require_proof(context: Context) -> None:
    """No key says who writes, so where the mailbox asks for proof, From must have it."""
    rule = Reason.NOT_AUTHENTICATED
    if context.asks_proof and not context.proof.passed and rule.value not in context.waived:
        raise Held(rule, rule=rule.value)
