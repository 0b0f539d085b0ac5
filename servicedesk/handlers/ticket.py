"""Mail to the address of a desk opens a ticket, or goes on with the one that it answers."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Held, Ignored, Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues.mail_addresses import canonical_address
from issues.models import Project
from servicedesk import threads
from servicedesk.addresses import DEFAULT
from servicedesk.bot import find_bot
from servicedesk.handlers.by_members import require_theirs, write_as_member
from servicedesk.handlers.letters import (
    find_opening_member,
    find_requester,
    letter_of_reply,
    letter_of_ticket,
)
from servicedesk.members import find_member
from servicedesk.models import NonParticipantPolicy, ServiceDesk, Ticket
from servicedesk.participants import can_take_part, find_participant
from servicedesk.spam import bring_back, unblock
from servicedesk.tickets import add_reply, is_confidential, open_ticket


class TicketHandler:
    name: ClassVar[str] = "ticket"
    pattern: ClassVar[re.Pattern[str]] = DEFAULT
    example: ClassVar[str] = "acme-shop-20-issue-"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = False
    refused_at_rcpt: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        """A project without a desk is like one that does not exist."""
        return find_target(project=int(key["project_id"]))

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        return handle_mail(email, target.project, context)


def find_target(**lookups: object) -> Target | None:
    """The desk that these name; with a refusal where it is switched off."""
    desk = ServiceDesk.objects.select_related("project").filter(**lookups).first()
    if desk is None:
        return None
    return Target(
        project=desk.project,
        confidential_in=desk.project_id if is_confidential(desk) else None,
        refusal=None if desk.enabled else Reason.DESK_OFF,
    )


def handle_mail(email: ParsedEmail, project: Project, context: Context) -> Outcome:
    """A reply of a participant becomes a note, whichever mail of the thread it answers.

    The row of the desk is locked, so that of two copies of a mail one finds the other.
    """
    desks = ServiceDesk.objects.select_for_update(of=("self",)).select_related("project")
    desk = desks.get(project=project)
    requester = find_requester(email, desk, context)
    if threads.has_letter(project, email.message_id, requester):
        raise Ignored(Reason.DUPLICATE)
    ticket = threads.find_ticket(email.answered_ids, project)
    if ticket is not None and _may_write(ticket, desk, email, context):
        return reply_to_ticket(email, ticket, desk, context)
    if not (email.text.strip() or email.subject or email.attachments):
        raise Rejected(Reason.EMPTY)
    rule = Reason.NO_SENDER.value
    if rule not in context.waived and not can_take_part(requester):
        raise Held(Reason.NO_SENDER, rule=rule)
    member = find_opening_member(requester, desk)
    if member is not None:
        require_theirs(requester, email, context)
    _take_back_block(requester, project, context)
    made = open_ticket(desk, letter_of_ticket(email, requester, context), member=member)
    return Outcome(f"ticket {made.issue}", made.issue)


def reply_to_ticket(
    email: ParsedEmail,
    ticket: Ticket,
    desk: ServiceDesk | None,
    context: Context,
    *,
    key_owner: str = "",
) -> Outcome:
    """`key_owner`: whose address the key was made for, if it came by one. From alone, which anybody
    can write, lets nobody else in, and the other participants don't hear of it. A member's mail is
    the member's note."""
    if not email.sender:  # it would stand there as the desk's own words
        raise Held(Reason.NO_SENDER, rule=Reason.NO_SENDER.value)
    ticket = _lock(ticket)
    desk = _find_desk(ticket, desk)
    if threads.has_letter(ticket.issue.project, email.message_id, email.sender) or (
        threads.has_note(ticket, email.message_id, email.sender)
    ):
        raise Ignored(Reason.DUPLICATE)
    if ticket.issue.spam_at is not None:
        if Reason.SPAM.value not in context.waived:
            raise Held(Reason.SPAM, rule=Reason.SPAM.value)
        bring_back(ticket.issue, find_bot(ticket.issue.project), now=context.now)
    _take_back_block(email.sender, ticket.issue.project, context)
    member = find_member(email.sender, ticket.issue)
    if member is not None:
        return write_as_member(email, ticket, member, context, key_owner=key_owner)
    if ticket.issue.locked:
        raise Rejected(Reason.LOCKED, issue=ticket.issue)
    is_own = context.proof.passed or canonical_address(email.sender) == canonical_address(key_owner)
    proven = is_own or bool(key_owner)
    title = ticket.issue.title
    letter = letter_of_reply(email, context, title=title, proven=proven, is_own=is_own)
    if not (letter.text.strip() or letter.files):
        raise Rejected(Reason.EMPTY)
    note = add_reply(desk, ticket, letter)
    return Outcome(f"note {note.pk} on issue {ticket.issue}", note)


def _find_desk(ticket: Ticket, desk: ServiceDesk | None) -> ServiceDesk | None:
    """Another one than the mail came to, where the ticket was moved."""
    if desk is not None and desk.project_id == ticket.issue.project_id:
        return desk
    desks = ServiceDesk.objects.select_related("project")
    return desks.filter(project=ticket.issue.project_id).first()


def _take_back_block(sender: str, project: Project, context: Context) -> None:
    """As "not spam" of a ticket does, where a person said it of this message."""
    if Reason.SPAM.value in context.waived:
        unblock(sender, project)


def _lock(ticket: Ticket) -> Ticket:
    """One copy of a mail after the other, and none to a ticket that was merged meanwhile."""
    # Alone: PostgreSQL reads joined rows as they were before it waited.
    Ticket.objects.select_for_update().get(pk=ticket.pk)
    rows = Ticket.objects.select_related("issue__project", "issue__merged_into")
    locked = rows.get(pk=ticket.pk)
    current = threads.find_current(locked)
    return locked if current.pk == locked.pk else _lock(current)


def _may_write(ticket: Ticket, desk: ServiceDesk, email: ParsedEmail, context: Context) -> bool:
    """False: the mail of an unknown sender, or a forward, which is for others than the readers of
    the ticket, is a ticket of its own. Raises Held where a person must review."""
    if not email.sender:
        return False
    if Reason.STRANGER.value in context.waived:  # who has looked at it lets it in
        return True
    is_known = find_participant(ticket, email.sender) is not None
    if is_known or find_member(email.sender, ticket.issue) is not None:
        _require_proof(ticket, context)
        return not email.is_forward
    if desk.strangers == NonParticipantPolicy.NEW_TICKET:
        return False
    raise Held(Reason.STRANGER, rule=Reason.STRANGER.value, issue=ticket.issue)


def _require_proof(ticket: Ticket, context: Context) -> None:
    """No key says who writes, so where the mailbox asks for proof, From must have it."""
    rule = Reason.NOT_AUTHENTICATED
    if context.asks_proof and not context.proof.passed and rule.value not in context.waived:
        raise Held(rule, rule=rule.value, issue=ticket.issue)
