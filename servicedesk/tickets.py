"""What mail from an external participant does: it opens a ticket, or adds a note to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy

from issues import services
from issues.mail_addresses import canonical_address
from issues.models import Event, Issue, Note, State, User, Visibility
from issues.services.recording import record_change
from issues.uploads import NewFile
from servicedesk import mails, threads
from servicedesk.bot import find_bot
from servicedesk.models import Participant, ServiceDesk, Ticket, UnprovenNote
from servicedesk.participants import (
    add_participants,
    find_left_out,
    forget_bounces_of,
    record_direct_copies,
    take_part_again,
)
from servicedesk.ticket_templates import add_text, carry_out, read_template


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of an external participant's mail, as a handler passes it."""

    sender: str
    message_id: str
    subject: str
    text: str
    """For a ticket the whole text, for a note what the person wrote."""

    now: datetime
    sender_name: str = ""
    quoted: str = ""
    references: tuple[str, ...] = ()
    """Of the mail's thread, oldest first."""

    cc: tuple[str, ...] = ()
    """Those who may join by it, where the desk lets people in Cc do so."""

    recipients: tuple[str, ...] = ()
    """All in To and Cc: they have it already."""

    answerable: bool = True
    """Not where an automatic answer would reach a robot or a whole list."""

    proven: bool = False
    """It is the sender's, by a key or by what authenticates mail. Else everybody could have written
    it, and no automatic mail carries its words."""

    own_since: datetime | None = None
    """When it came, where nobody but its sender can have written it: it is authenticated, or came
    by the sender's own key. None: it may be anybody's."""
    looks_automatic: bool = False
    """Its subject says so, and nothing else: the team reads it, and nobody outside gets it."""

    mailbox_id: int | None = None
    """By which it came."""

    files: Sequence[NewFile] = ()


@transaction.atomic
def open_ticket(desk: ServiceDesk, letter: Letter, *, member: User | None = None) -> Ticket:
    """Opens the ticket with its thank-you mail, in one transaction. A letter without a sender, or
    that of a `member`, makes a ticket that has no external participant but those in Cc."""
    bot = find_bot(desk.project)
    template = read_template(desk)
    issue = services.create_issue(
        project=desk.project,
        author=member or bot,
        external_author="" if member else letter.sender,
        title=template.opening.title or letter.subject,
        description=letter.text,
        confidential=is_confidential(desk) or template.opening.confidential,
        files=letter.files,
    )
    ticket = Ticket.objects.create(
        issue=issue,
        requester="" if member else letter.sender,
        waiting_since=letter.now,
        proven=letter.proven,
        own_words=issue.description,
    )
    if member is None:
        _remember_name(issue, letter)
    if template.text.strip():
        add_text(template, issue)
    people = [letter.sender, *(letter.cc if desk.add_cc else ())]
    joined = add_participants(ticket, [p for p in people if p], added_by=None, now=letter.now)
    _record_left_out(ticket, people, joined, bot=bot)
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
            desk,
            ticket,
            others,
            includes_words=False,  # they have the mail itself
            mailbox_id=letter.mailbox_id,
            now=letter.now,
        )
    carry_out(template, issue, bot=bot, now=letter.now)
    return ticket


def _record_left_out(
    ticket: Ticket, people: Sequence[str], joined: Sequence[Participant], *, bot: User
) -> None:
    """So that the team sees who was in Cc and hears of nothing."""
    left_out = find_left_out(ticket, people, joined=len(joined))
    if left_out:
        change = gettext_lazy(
            "did not add %(addresses)s to the ticket, as at most %(limit)s people can take part in"
            " it and %(call)s join at once"
        )
        limit, call = settings.DESK_MAX_PARTICIPANTS, settings.DESK_MAX_PARTICIPANTS_A_CALL
        names = ", ".join(left_out)
        record_change(ticket.issue, bot, change, addresses=names, limit=str(limit), call=str(call))


def is_confidential(desk: ServiceDesk) -> bool:
    """In a public project everybody reads the issues, so a customer's must never be one."""
    return desk.confidential or desk.project.visibility == Visibility.PUBLIC


@transaction.atomic
def add_reply(desk: ServiceDesk | None, ticket: Ticket, letter: Letter) -> Note:
    """Adds a note of an external participant to their ticket."""
    issue = ticket.issue
    bot = find_bot(issue.project)
    author = _among(list(ticket.participants.all()), letter.sender)
    reopens = desk is not None and desk.reopen and author is not None
    reopens = reopens and issue.state == State.CLOSED and not letter.looks_automatic
    note = services.create_note(
        item=issue,
        author=bot,
        external_author=letter.sender,
        body=letter.text,
        quoted=letter.quoted,
        internal=letter.looks_automatic,
        files=letter.files,
        event=Event.REOPENING_NOTE if reopens else Event.NEW_NOTE,
    )
    if not letter.looks_automatic:
        _begin_to_wait(ticket, now=letter.now)
    if reopens:
        services.reopen_item(item=issue, actor=bot, announced=False)
    if not letter.proven:
        UnprovenNote.objects.create(note=note)
    _remember_name(issue, letter)
    if author is not None:
        _make_reachable(author, letter, issue, bot=bot)
    threads.record(ticket, letter.message_id, participant=author, from_outside=True, now=letter.now)
    if letter.looks_automatic:
        return note
    Ticket.objects.filter(pk=ticket.pk, snoozed_until__isnull=False).update(snoozed_until=None)
    # Whom the team removed may answer what they have, and brings nobody in: not even themselves.
    if desk is not None and desk.add_cc and letter.cc and author is not None:
        joined = add_participants(ticket, letter.cc, added_by=None, now=letter.now)
        _record_left_out(ticket, letter.cc, joined, bot=bot)
        # Cc gives access to this mail, and to nothing that was written before.
        ids = [letter.message_id] if letter.message_id else []
        mails.write_to_new_participants(
            desk,
            ticket,
            joined,
            earlier=ids,
            includes_words=False,
            mailbox_id=letter.mailbox_id,
            now=letter.now,
        )
    if letter.proven:
        record_direct_copies(ticket, note, letter.recipients)
    return note


def _make_reachable(author: Participant, letter: Letter, issue: Issue, *, bot: User) -> None:
    """Whoever writes reads an answer."""
    forget_bounces_of(author.address)
    if letter.own_since and take_part_again(author, written_at=letter.own_since):
        record_change(
            issue,
            bot,
            gettext_lazy("has mail sent to %(addresses)s again"),
            addresses=author.address,
        )


def _begin_to_wait(ticket: Ticket, *, now: datetime) -> None:
    """Since now, where they do not wait already. What a ticket was closed with counts as settled,
    and what comes to a closed one is later, even where it was closed at this moment."""
    closed_at = ticket.issue.closed_at
    settled = Q(waiting_since=None)
    if closed_at is not None:
        settled |= Q(waiting_since__lte=closed_at)
        now = max(now, closed_at + timedelta(microseconds=1))
    Ticket.objects.filter(settled, pk=ticket.pk).update(waiting_since=now)


def _remember_name(issue: Issue, letter: Letter) -> None:
    services.remember_name(issue.project, letter.sender, letter.sender_name, proven=letter.proven)


def _among(people: Sequence[Participant], address: str) -> Participant | None:
    wanted = canonical_address(address)
    return next((p for p in people if canonical_address(p.address) == wanted), None)
