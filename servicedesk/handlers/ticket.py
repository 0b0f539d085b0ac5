"""Mail to the address of a desk opens a ticket, or goes on with the one that it answers."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Held, Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues.models import Project
from servicedesk import threads
from servicedesk.handlers.letters import letter_of_reply, letter_of_ticket
from servicedesk.models import ServiceDesk, Strangers, Ticket
from servicedesk.participants import find_participant
from servicedesk.tickets import add_reply, open_ticket


class TicketHandler:
    name: ClassVar[str] = "ticket"
    pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"(?:[0-9a-z-]*-)?(?P<project_id>[1-9][0-9]{0,17})-issue-"
    )
    example: ClassVar[str] = "acme-shop-20-issue-"
    sender_policy: ClassVar[str] = ""
    secret_key: ClassVar[bool] = False
    takes: ClassVar[frozenset[Reason]] = frozenset()
    quick: ClassVar[bool] = False

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        """A project without a desk is answered like one that does not exist."""
        project = Project.objects.filter(
            pk=int(key["project_id"]), service_desk__enabled=True
        ).first()
        return None if project is None else Target(project=project)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        return take_in(email, target.project, context)


def take_in(email: ParsedEmail, project: Project, context: Context) -> Outcome:
    """A reply of a participant becomes a note, whichever mail of the thread it answers."""
    desk = ServiceDesk.objects.select_related("project").get(project=project)
    ids = [*email.in_reply_to, *reversed(email.references)]
    ticket = threads.find_ticket(ids, project)
    if ticket is not None and _may_write(ticket, desk, email, context):
        return reply_to_ticket(email, ticket, desk, context)
    if not (email.text.strip() or email.subject or email.attachments):
        raise Rejected(Reason.EMPTY)
    made = open_ticket(desk, letter_of_ticket(email, desk, context))
    return Outcome(f"ticket {made.issue}", made.issue)


def reply_to_ticket(
    email: ParsedEmail, ticket: Ticket, desk: ServiceDesk | None, context: Context
) -> Outcome:
    letter = letter_of_reply(email, context)
    if not (letter.text.strip() or letter.files):
        raise Rejected(Reason.EMPTY)
    note = add_reply(desk, ticket, letter)
    return Outcome(f"note {note.pk} on issue {ticket.issue}", note)


def _may_write(ticket: Ticket, desk: ServiceDesk, email: ParsedEmail, context: Context) -> bool:
    """False: the stranger gets a ticket of their own. Raises Held where a person must look."""
    if find_participant(ticket, email.sender) is not None:
        return True
    if desk.strangers == Strangers.NEW_TICKET:
        return False
    if Reason.STRANGER.value in context.waived:
        return True
    raise Held(Reason.STRANGER, rule=Reason.STRANGER.value)
