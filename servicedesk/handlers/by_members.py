"""Mail of a member to a ticket: the member's own note, where it is proven to be theirs."""

from incoming_email.handlers.base import Context
from incoming_email.handlers.project_rules import require_project_allows
from incoming_email.handlers.texts import outcome_of, write_reply
from incoming_email.keys.own_addresses import find_own
from incoming_email.outcomes import Held, Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from issues.mail_addresses import canonical_address
from issues.models import User
from servicedesk import threads
from servicedesk.handlers.letters import find_recipients
from servicedesk.models import Ticket

SWITCH = "replies_by_mail"
VOUCHED_FOR = {
    Reason.MEMBER_UNPROVEN.value,
    Reason.NOT_AUTHENTICATED.value,
    Reason.SENDER_MISMATCH.value,
    Reason.STRANGER.value,
}
"""Whoever releases a message that was held for one of these has looked at its sender."""


def require_theirs(
    address: str, email: ParsedEmail, context: Context, *, key_owner: str = ""
) -> None:
    """Raises Held where nothing proves that the member with this address wrote the message: neither
    their key, nor what authenticates From, nor a person who released it.

    `key_owner`: the address that the key was made for, by which the message came.
    """
    wanted = canonical_address(address)
    is_from = canonical_address(email.sender) == wanted
    has_proof = context.proof.passed or canonical_address(key_owner) == wanted
    if not ((is_from and has_proof) or VOUCHED_FOR & context.waived):
        raise Held(Reason.MEMBER_UNPROVEN, rule=Reason.MEMBER_UNPROVEN.value)


def _require_reply(email: ParsedEmail, ticket: Ticket) -> None:
    """Raises Held where the member talks with others about the ticket, and the desk is in Cc: what
    answers somebody else's mail, or goes to others and to no participant, is not for customers."""
    # The id that it answers may be one that a relay gave a mail of the ticket; the next is ours.
    nearest = list(dict.fromkeys(email.answered_ids))[:2]
    answers_it = threads.find_ticket(nearest, ticket.issue.project) == ticket
    recipients = set(map(canonical_address, find_recipients(email)))
    others = recipients - find_own(recipients) - {canonical_address(email.sender)}
    people = {canonical_address(person.address) for person in ticket.participants.all()}
    if not answers_it or (others and not others & people):
        raise Held(Reason.NOT_A_REPLY, rule=Reason.NOT_A_REPLY.value)


def write_as_member(
    email: ParsedEmail, ticket: Ticket, member: User, context: Context, *, key_owner: str = ""
) -> Outcome:
    """The project's rules for replies by mail hold, as for any other reply of a member.

    The desk sends it to all participants, also to those in To or Cc: answers to what they have from
    the member directly would not come to the desk.
    """
    require_theirs(email.sender, email, context, key_owner=key_owner)
    if not key_owner and Reason.NOT_A_REPLY.value not in context.waived:
        _require_reply(email, ticket)
    require_project_allows(
        ticket.issue.project, member, SWITCH, fits=True, context=context, trace=[]
    )
    written = write_reply(email, ticket.issue, member, discussion="", context=context)
    threads.record(ticket, email.message_id, participant=None, from_outside=True, now=context.now)
    return outcome_of(written)
