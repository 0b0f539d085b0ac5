"""The tickets of a project as the list shows them: requester, last comment, who waits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.timezone import localdate
from django.utils.translation import gettext

from issues.counting import StateTab, count_rows
from issues.models import Issue, Note, Project, State, User
from servicedesk.forms import MINE, NOBODYS, WAITING
from servicedesk.models import Ticket
from servicedesk.snoozing import find_end

TICKETS_A_PAGE = 25


@dataclass(frozen=True, slots=True)
class ListedTicket:
    issue: Issue
    requester: str
    last_comment_by: str
    """Of the newest public comment; the requester's own where nobody has answered."""

    last_comment_is_ours: bool
    last_comment_at: datetime
    waiting_since: datetime | None
    snoozed_until: date | None
    """Where that day is ahead."""


def find_tickets(project: Project, text: str) -> QuerySet[Ticket]:
    """Those whose title or requester holds the text."""
    tickets = Ticket.objects.filter(issue__project=project, issue__spam_at=None)
    if not text:
        return tickets
    return tickets.filter(Q(issue__title__icontains=text) | Q(requester__icontains=text))


def of_whom(tickets: QuerySet[Ticket], whose: str, reader: User) -> QuerySet[Ticket]:
    """Those assigned to the reader, or to nobody; else all."""
    assigned = Issue.assignees.through.objects.filter(issue_id=OuterRef("pk"))
    if whose == MINE:
        return tickets.filter(Exists(assigned.filter(user_id=reader.pk)))
    return tickets.filter(~Exists(assigned)) if whose == NOBODYS else tickets


def in_state(tickets: QuerySet[Ticket], state: str) -> QuerySet[Ticket]:
    """Newest first; who waits for us, longest first."""
    if state == WAITING:
        waiting = tickets.filter(issue__state=State.OPENED, waiting_since__isnull=False)
        waiting = waiting.exclude(snoozed_until__gt=localdate())
        return waiting.order_by("waiting_since", "pk")
    if state != "all":
        tickets = tickets.filter(issue__state=state)
    return tickets.order_by("-issue__iid")


def count_states(tickets: QuerySet[Ticket]) -> list[StateTab]:
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
    """The tickets of one page with their last comments: three queries for any number."""
    ids = [ticket.pk for ticket in tickets]
    newest = Note.objects.filter(issue=OuterRef("pk"), system=False, internal=False)
    issues = (
        Issue.objects.filter(pk__in=ids)
        .select_related("ticket", "project")
        .prefetch_related("assignees")
        .annotate(last_note_id=Subquery(newest.order_by("-created_at", "-pk").values("pk")[:1]))
    )
    by_id = {issue.pk: issue for issue in issues}
    note_ids = [issue.last_note_id for issue in by_id.values()]
    notes = {n.pk: n for n in Note.objects.filter(pk__in=note_ids).select_related("author")}
    return [_show(by_id[pk], notes.get(by_id[pk].last_note_id)) for pk in ids]


def _show(issue: Issue, last: Note | None) -> ListedTicket:
    ticket = issue.ticket
    comment = last or issue
    return ListedTicket(
        issue=issue,
        requester=ticket.requester,
        last_comment_by=comment.external_author or str(comment.author or gettext("somebody")),
        last_comment_is_ours=not comment.external_author,
        last_comment_at=comment.created_at,
        waiting_since=ticket.waiting_since,
        snoozed_until=find_end(ticket),
    )
