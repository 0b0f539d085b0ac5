"""What the page of an issue shows of its ticket: external participants, their mail, canned
replies."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from incoming_email.held_mail import HeldMessage, list_held_on
from incoming_email.limits.blocking import find_blocked
from issues.external_people import ExternalPeople, Sight, find_people
from issues.mail_addresses import canonical_address
from issues.models import Issue, OutgoingEmail, OutgoingState
from issues.permissions import Person
from servicedesk import spam, wording
from servicedesk.members import find_members
from servicedesk.models import (
    CannedReply,
    DirectCopy,
    Participant,
    ThreadMessage,
    Ticket,
    UnprovenNote,
)
from servicedesk.snoozing import find_end

READ = "issues.read_internal"
"""Reporters and above: who may see the addresses."""


class MailState(Enum):
    WAITING = "waiting"
    HELD = "held"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class ShownMail:
    recipient: str
    state: MailState
    at: datetime | None
    """When it was sent; while it waits or is held back, when it is tried next."""


@dataclass(frozen=True, slots=True)
class FilledReply:
    id: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownHeld:
    message: HeldMessage
    may_join: bool
    """Its sender does not participate."""


@dataclass(frozen=True, slots=True)
class ShownTicket:
    requester: str
    participants: Sequence[Participant]
    waiting_since: datetime | None
    snoozed_until: date | None
    canned_replies: Sequence[FilledReply]
    may_change: bool
    may_judge: bool
    """Say that it is spam, or none."""

    mails: Mapping[str, Sequence[ShownMail]]
    """By what caused them: `note-5`, `ticket-3`, `welcome-3`."""

    withheld: Mapping[int, Sequence[str]]
    """By note that nothing proves, who did not get it by mail for that."""

    proven: bool
    """Else mails repeat neither its title nor its description."""

    blocked: Set[str]
    """Participants whose mail to the project is ignored."""
    held: Sequence[ShownHeld]
    """Mail on it that waits for review."""
    people: ExternalPeople
    members: Set[str]
    """Canonical addresses of participants who are members by now."""

    copies: Mapping[int, Sequence[str]]
    """By note, who has the mail that it was made of."""

    @property
    def readers(self) -> list[str]:
        """Who gets a public comment."""
        return [
            person.address
            for person in self.participants
            if person.unsubscribed_at is None and person.undeliverable_at is None
        ]


def show_ticket(issue: Issue, reader: Person) -> ShownTicket | None:
    """None for an issue that is no ticket, and for readers below reporter. A constant
    number of queries."""
    ticket = Ticket.objects.filter(pk=issue.pk).first()
    if ticket is None or not reader.has_perm(READ, issue.project):
        return None
    ticket.issue = issue
    replies = CannedReply.objects.filter(project=issue.project_id).order_by("title")
    people = list(ticket.participants.order_by("pk"))
    addresses = [person.address for person in people]
    return ShownTicket(
        requester=ticket.requester,
        participants=people,
        waiting_since=ticket.waits_since,
        snoozed_until=find_end(ticket),
        canned_replies=[
            FilledReply(
                reply.pk,
                reply.title,
                wording.canned_reply(reply.text, issue, ticket.own_words).source,
            )
            for reply in replies
        ],
        may_change=reader.has_perm("issues.triage_item", issue),
        may_judge=reader.has_perm(spam.PERMISSION, issue.project),
        mails=_find_mails(ticket),
        withheld=_find_withheld(ticket, people),
        proven=ticket.proven,
        blocked=find_blocked(addresses, issue.project),
        held=_find_held(issue, people),
        people=find_people(issue.project_id, addresses, Sight.ADDRESS),
        members=find_members(addresses, issue).keys(),
        copies=_find_copies(ticket),
    )


def _find_held(issue: Issue, people: Sequence[Participant]) -> list[ShownHeld]:
    present = {canonical_address(person.address) for person in people}
    return [
        ShownHeld(message, canonical_address(message.sender) not in present)
        for message in list_held_on(issue)
    ]


def _find_copies(ticket: Ticket) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = DirectCopy.objects.filter(note__issue=ticket.pk).order_by("pk")
    for note, address in rows.values_list("note_id", "participant__address"):
        found.setdefault(note, []).append(address)
    return found


def _find_withheld(ticket: Ticket, people: Sequence[Participant]) -> dict[int, list[str]]:
    notes = UnprovenNote.objects.filter(note__issue=ticket.pk, note__internal=False)
    return {
        pk: [
            person.address
            for person in people
            if person.joined_at <= at
            and (person.unsubscribed_at is None or person.unsubscribed_at > at)
            and canonical_address(person.address) != canonical_address(author)
        ]
        for pk, at, author in notes.values_list("pk", "note__created_at", "note__external_author")
    }


def _find_mails(ticket: Ticket) -> Mapping[str, Sequence[ShownMail]]:
    ours = ThreadMessage.objects.filter(ticket=ticket, from_outside=False)
    bounced = set(ours.filter(bounced_at__isnull=False).values_list("message_id", flat=True))
    rows = (
        OutgoingEmail.objects.filter(message_id__in=ours.values("message_id"))
        .defer("text", "html", "headers", "uploads")
        .order_by("pk")
    )
    found: dict[str, list[ShownMail]] = {}
    for row in rows:
        cause = row.effect_key.rpartition("-p")[0]
        found.setdefault(cause, []).append(_show(row, is_bounced=row.message_id in bounced))
    return found


def _show(row: OutgoingEmail, *, is_bounced: bool) -> ShownMail:
    if is_bounced:
        return ShownMail(row.recipient, MailState.BOUNCED, row.sent_at)
    if row.state == OutgoingState.PENDING:
        state = MailState.HELD if row.is_held else MailState.WAITING
        return ShownMail(row.recipient, state, row.next_attempt_at)
    states = {OutgoingState.SENT: MailState.SENT, OutgoingState.WITHHELD: MailState.WITHHELD}
    state = states.get(OutgoingState(row.state), MailState.FAILED)
    return ShownMail(row.recipient, state, row.sent_at)
