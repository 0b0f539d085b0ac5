"""The tickets of a project as the list shows them: requester, last comment, who waits."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Lower
from django.utils.timezone import localdate
from django.utils.translation import gettext

from incoming_email.keys.reply_keys import AnsweredInVain, find_answered_in_vain
from issues.counting import StateTab, count_rows
from issues.external_people import ExternalPeople, Sight, find_people
from issues.models import ExternalPerson, Issue, Note, Project, State, User
from servicedesk.bot import USERNAME
from servicedesk.forms import MINE, NOBODYS, WAITING
from servicedesk.models import Ticket, TicketQuerySet
from servicedesk.snoozing import find_end

TICKETS_A_PAGE = 25
MOST_ANSWERS = 20
ANSWERS_ARE_SHOWN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ListedTicket:
    issue: Issue
    requester: str
    """The name, or the address where there is none; of a member, who wrote to the desk, the name of
    the account."""

    requester_address: str
    """Empty where `requester` is that."""

    last_comment_by: str
    """Of the newest public comment; the requester's own where nobody has answered."""

    last_comment_is_ours: bool
    last_comment_at: datetime
    waiting_since: datetime | None
    snoozed_until: date | None
    """Where that day is ahead."""


def find_tickets(project: Project, text: str) -> TicketQuerySet:
    """Those whose title, or name or address of the requester, holds the text."""
    tickets = Ticket.objects.filter(issue__project=project, issue__spam_at=None)
    if not text:
        return tickets
    named = ExternalPerson.objects.filter(project=project, name__icontains=text)
    by_name = Q(folded__in=named.values("address"))
    return tickets.alias(folded=Lower("requester")).filter(
        Q(issue__title__icontains=text) | Q(requester__icontains=text) | by_name
    )


def of_whom(tickets: TicketQuerySet, whose: str, reader: User) -> TicketQuerySet:
    """Those assigned to the reader, or to nobody; else all."""
    assigned = Issue.assignees.through.objects.filter(issue_id=OuterRef("pk"))
    if whose == MINE:
        return tickets.filter(Exists(assigned.filter(user_id=reader.pk)))
    return tickets.filter(~Exists(assigned)) if whose == NOBODYS else tickets


def in_state(tickets: TicketQuerySet, state: str) -> TicketQuerySet:
    """Newest first; who waits for us, longest first."""
    if state == WAITING:
        waiting = tickets.waiting().exclude(snoozed_until__gt=localdate())
        return waiting.order_by("waiting_since", "pk")
    if state != "all":
        tickets = tickets.filter(issue__state=state)
    return tickets.order_by("-issue__iid")


def count_states(tickets: TicketQuerySet) -> list[StateTab]:
    """One query for each of them."""
    names = {
        State.OPENED.value: str(State.OPENED.label),
        WAITING: gettext("Waiting for us"),
        State.CLOSED.value: str(State.CLOSED.label),
        "all": gettext("All"),
    }
    return [
        StateTab(value, name, count_rows(in_state(tickets, value))) for value, name in names.items()
    ]


def show_tickets(tickets: Iterable[Ticket]) -> Sequence[ListedTicket]:
    """The tickets of one page with their last comments, for reporters and above: a constant number
    of queries."""
    ids = [ticket.pk for ticket in tickets]
    newest = Note.objects.filter(issue=OuterRef("pk"), system=False, internal=False)
    issues = (
        Issue.objects.filter(pk__in=ids)
        .select_related("ticket", "project", "author")
        .prefetch_related("assignees")
        .annotate(last_note_id=Subquery(newest.order_by("-created_at", "-pk").values("pk")[:1]))
    )
    by_id = {issue.pk: issue for issue in issues}
    note_ids = [issue.last_note_id for issue in by_id.values()]
    notes = {n.pk: n for n in Note.objects.filter(pk__in=note_ids).select_related("author")}
    people = _find_people(by_id.values(), notes.values())
    return [_show(by_id[pk], notes.get(by_id[pk].last_note_id), people) for pk in ids]


def find_answers_to_deleted(project: Project, *, now: datetime) -> list[AnsweredInVain]:
    """Who has answered a deleted ticket of late, once a person and ticket: it has no page any more
    that could say so. One query."""
    return find_answered_in_vain(project, since=now - ANSWERS_ARE_SHOWN, most=MOST_ANSWERS)


def _find_people(issues: Collection[Issue], notes: Iterable[Note]) -> ExternalPeople:
    addresses = [note.external_author for note in notes]
    for issue in issues:
        addresses += [issue.external_author, issue.ticket.requester]
    project_id = next((issue.project_id for issue in issues), 0)
    return find_people(project_id, addresses, Sight.ADDRESS)


def _show(issue: Issue, last: Note | None, people: ExternalPeople) -> ListedTicket:
    ticket = issue.ticket
    comment = last or issue
    author = None if issue.external_author else issue.author
    opener = str(author) if author is not None and author.username != USERNAME else ""
    return ListedTicket(
        issue=issue,
        requester=people.show(ticket.requester) if ticket.requester else opener,
        requester_address=people.show_address(ticket.requester),
        last_comment_by=_name_author(comment, people),
        last_comment_is_ours=not comment.external_author,
        last_comment_at=comment.created_at,
        waiting_since=ticket.waits_since,
        snoozed_until=find_end(ticket),
    )


def _name_author(comment: Note | Issue, people: ExternalPeople) -> str:
    if comment.external_author:
        return people.show(comment.external_author)
    return str(comment.author or gettext("somebody"))
