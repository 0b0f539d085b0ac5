"""Mail to external participants: the thank-you, the welcome, and each public comment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.utils import translation

from incoming_email.keys import reply_keys
from incoming_email.keys.reply_keys import NO_ROUTE, ExternalRoute
from incoming_email.limits.answer_budget import THANK_YOU, WELCOME, find_over_limit
from incoming_email.parsing.addresses import asks_no_answer
from issues import outbox
from issues.external_people import Sight, find_people
from issues.models import Issue, Note
from issues.notifications import Story
from issues.outbox import Automatic, MailHeaders, NewMail, address_with_name, make_message_id
from issues.rendering import render_mail
from servicedesk import links, threads, wording
from servicedesk.assigning import assign_writer
from servicedesk.attaching import Attached, attach, link_own_files
from servicedesk.custom_email import Sender, find_sender
from servicedesk.echoing import is_echo
from servicedesk.limiting import hold_back
from servicedesk.models import Participant, ServiceDesk, ThreadMessage, Ticket, UnprovenNote
from servicedesk.participants import reads_opening
from servicedesk.readers import find_readers

NEW_NOTE = "desk_note"
MESSAGE_ID_SALT = "servicedesk.message_id"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the mails to one person have in common."""

    desk: ServiceDesk | None
    ticket: Ticket
    participant: Participant
    route: ExternalRoute
    thread: Sequence[str]
    """Ids of the mails that the person has, oldest first."""

    sender: Sender
    words: str
    """What the requester wrote, with links to its files that anybody can open."""

    @property
    def issue(self) -> Issue:
        return self.ticket.issue

    @property
    def has_their_words(self) -> bool:
        """Whether title and description may stand in the mail."""
        return reads_opening(self.ticket, self.participant)

    @property
    def repeated_words(self) -> str:
        return self.words if self.has_their_words else ""

    @property
    def leaving_url(self) -> str:
        return links.leaving_url(self.participant)


def write_thank_you(
    desk: ServiceDesk,
    ticket: Ticket,
    requester: Participant,
    *,
    earlier: Sequence[str],
    mailbox_id: int | None,
    now: datetime,
) -> None:
    """In the requester's own thread: an answer to the mail that made the ticket, whose references
    are `earlier`, and which came by the mailbox `mailbox_id`. Nothing where too many automatic
    answers were written."""
    project = ticket.issue.project_id
    if find_over_limit([requester.address], project_id=project, mailbox_id=mailbox_id, now=now):
        return
    (envelope,) = _address(desk, ticket, [requester], earlier=earlier)
    text = wording.thank_you(
        desk,
        ticket.issue,
        unsubscribe_url=envelope.leaving_url,
        words=envelope.repeated_words,
    )
    mail = _compose(envelope, THANK_YOU, f"ticket-{ticket.pk}", text, automatic=Automatic.REPLIED)
    _write(ticket, [(requester, replace(mail, answered_mailbox=mailbox_id))], now=now)


def write_to_new_participants(  # noqa: PLR0913  (what the ways to join differ in)
    desk: ServiceDesk | None,
    ticket: Ticket,
    people: Sequence[Participant],
    *,
    now: datetime,
    earlier: Sequence[str] = (),
    includes_words: bool = True,
    mailbox_id: int | None = None,
) -> None:
    """`earlier`: ids of the mail that brought them in, which they have too, and `mailbox_id` the
    mailbox by which it came. `includes_words`: they may read what the requester wrote."""
    over_limit = find_over_limit(
        [p.address for p in people],
        project_id=ticket.issue.project_id,
        mailbox_id=mailbox_id,
        now=now,
    )
    people = [p for p in people if p.address not in over_limit and not asks_no_answer(p.address)]
    mails = []
    for envelope in _address(desk, ticket, people, later=earlier):
        text = wording.new_participant(
            desk,
            ticket.issue,
            unsubscribe_url=envelope.leaving_url,
            words=envelope.repeated_words if includes_words else "",
        )
        mail = _compose(envelope, WELCOME, f"welcome-{ticket.pk}", text)
        mails.append((envelope.participant, replace(mail, answered_mailbox=mailbox_id)))
    _write(ticket, mails, now=now)


def make_mails(story: Story, *, now: datetime) -> Sequence[NewMail]:
    """For MAIL_SOURCES: a public comment goes to every participant but its author; that of an
    external participant only where it is proven to be theirs."""
    note = story.note
    if note is None or not isinstance(story.item, Issue) or note.internal or note.system:
        return ()
    ticket = Ticket.objects.filter(pk=story.item.pk).first()
    if ticket is None or is_echo(story.item, note) or _is_unproven(note):
        return ()
    people = find_readers(ticket, note, story)
    if people and not note.external_author:
        # Not where an external participant has written again: this may run late.
        answered = Ticket.objects.filter(pk=ticket.pk, waiting_since__lte=note.created_at)
        answered.update(waiting_since=None)
    ticket.issue = story.item
    desk = ServiceDesk.objects.filter(project=story.item.project_id).first()
    if desk is not None:
        desk.project = story.item.project
    assign_writer(desk, story.item, note)
    attached, name = attach(note), _name_author(story)
    mails = [
        (envelope.participant, _compose_note(envelope, note, attached, name))
        for envelope in _address(desk, ticket, people)
    ]
    _record(ticket, mails, now=now)
    written = [mail for _participant, mail in mails]
    return hold_back(ticket, story.item, written, now=now)


def _is_unproven(note: Note) -> bool:
    return bool(note.external_author) and UnprovenNote.objects.filter(pk=note.pk).exists()


def _name_author(story: Story) -> str:
    """As the participants may see it, who all read the language of the site; empty where the
    account is gone: then the desk writes."""
    if not story.external_author and (story.note is None or story.note.author is None):
        return ""
    people = find_people(story.item.project_id, [story.external_author], Sight.NAME)
    with translation.override(settings.LANGUAGE_CODE):
        return story.name_author(people)


def _compose_note(envelope: Envelope, note: Note, attached: Attached, name: str) -> NewMail:
    text, shown = (
        wording.new_note(
            envelope.desk,
            envelope.issue,
            comment,
            unsubscribe_url=envelope.leaving_url,
            words=envelope.repeated_words,
        )
        for comment in (attached.text, attached.shown)
    )
    mail = _compose(
        envelope,
        NEW_NOTE,
        f"note-{note.pk}",
        text,
        name=name,
        html=str(render_mail(shown, base_url=settings.BASE_URL, pictures=attached.pictures)),
    )
    return replace(mail, uploads=attached.upload_ids)


def _address(
    desk: ServiceDesk | None,
    ticket: Ticket,
    people: Sequence[Participant],
    *,
    earlier: Sequence[str] = (),
    later: Sequence[str] = (),
) -> list[Envelope]:
    """`earlier`, `later`: ids that all of them have, from before and after the first mail."""
    sender = find_sender(desk)
    routes = reply_keys.external_routes(
        addresses=[p.address for p in people], issue=ticket.issue, template=sender.template
    )
    before = [*earlier, *threads.find_first(ticket.issue)]
    theirs = threads.find_thread_of(people)
    words = link_own_files(ticket.own_words or "", ticket.issue)
    return [
        Envelope(
            desk,
            ticket,
            person,
            routes.get(person.address, NO_ROUTE),
            tuple(dict.fromkeys([*before, *theirs.get(person.pk, ()), *later])),
            sender,
            words,
        )
        for person in people
    ]


def _compose(  # noqa: PLR0913  (what differs from mail to mail)
    envelope: Envelope,
    kind: str,
    cause: str,
    text: str,
    *,
    html: str = "",
    name: str = "",
    automatic: Automatic = Automatic.GENERATED,
) -> NewMail:
    """`html`: where it is not the text alone."""
    participant, issue, route = envelope.participant, envelope.issue, envelope.route
    sender = envelope.sender.address
    desk_name = envelope.desk.name if envelope.desk is not None else issue.project.path
    return NewMail(
        kind=kind,
        effect_key=f"{cause}-p{participant.pk}",
        recipient=participant.address,
        subject=(
            outbox.answer_subject(issue.title)
            if envelope.has_their_words
            else wording.neutral_subject(issue)
        ),
        text=text,
        html=html or str(render_mail(text, base_url=settings.BASE_URL)),
        envelope_sender=route.bounce or sender,
        from_header=address_with_name(name or desk_name, sender),
        message_id=make_message_id(f"{cause}.p{participant.pk}", salt=MESSAGE_ID_SALT),
        headers=_headers(envelope, desk_name, automatic),
        project=issue.project,
        account=envelope.sender.account,
    )


def _headers(envelope: Envelope, desk_name: str, automatic: Automatic) -> MailHeaders:
    route, thread = envelope.route, envelope.thread
    return MailHeaders(
        automatic=automatic,
        in_reply_to=thread[-1] if thread else "",
        thread=thread,
        reply_key_id=route.reference,
        reply_to=route.reply_to,
        reply_to_name=desk_name,
        unsubscribe_url=envelope.leaving_url,
        unsubscribe_address=route.unsubscribe,
    )


def _write(ticket: Ticket, mails: Sequence[tuple[Participant, NewMail]], *, now: datetime) -> None:
    if mails:
        written = [mail for _participant, mail in mails]
        _record(ticket, mails, now=now)
        outbox.enqueue_many(hold_back(ticket, ticket.issue, written, now=now), now=now)


def _record(ticket: Ticket, mails: Sequence[tuple[Participant, NewMail]], *, now: datetime) -> None:
    ThreadMessage.objects.bulk_create(
        [
            ThreadMessage(
                ticket=ticket,
                message_id=mail.message_id,
                participant=participant,
                from_outside=False,
                created_at=now,
            )
            for participant, mail in mails
        ],
        ignore_conflicts=True,
    )
