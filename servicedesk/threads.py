"""Which mails belong to which ticket: every Message-ID that came in or went out is kept."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from issues.mail_addresses import canonical_address
from issues.models import (
    WHOLE_ID,
    FormerNumber,
    Issue,
    Note,
    Project,
    find_names,
    id_columns,
    name_id,
)
from servicedesk.models import Participant, ThreadMessage, Ticket

MAX_IDS = 100
"""References of a mail that are looked up; the newest count."""


def record(
    ticket: Ticket,
    message_id: str,
    *,
    participant: Participant | None,
    from_outside: bool,
    now: datetime,
) -> None:
    """Once for each mail; a mail without Message-ID can't be found again."""
    if message_id:
        ThreadMessage.objects.get_or_create(
            ticket=ticket,
            message_id=name_id(message_id),
            defaults={
                **id_columns(message_id),
                "participant": participant,
                "from_outside": from_outside,
                "created_at": now,
            },
        )


def find_ticket(ids: Iterable[str], project: Project) -> Ticket | None:
    """The ticket that the first known id belongs to, of this project or moved from there, and of
    several the oldest: who writes with the id of somebody else's mail does not get what answers
    that. One that was merged into another one is that."""
    wanted = find_names(list(dict.fromkeys(ids))[:MAX_IDS])
    if not wanted:
        return None
    found = ThreadMessage.objects.filter(_of(project), message_id__in=wanted)
    rows = found.select_related("ticket__issue__project", "ticket__issue__merged_into")
    by_id = {row.message_id: row.ticket for row in rows.order_by("-pk")}
    ticket = next((by_id[name] for name in wanted if name in by_id), None)
    return None if ticket is None else find_current(ticket)


def _of(project: Project) -> Q:
    moved = FormerNumber.objects.filter(project=project).values("issue")
    return Q(ticket__issue__project=project) | Q(ticket__issue__in=moved)


def find_current(ticket: Ticket) -> Ticket:
    """Itself, or the one that it was merged into."""
    issue = ticket.issue.current
    if issue.pk == ticket.pk:
        return ticket
    return Ticket.objects.select_related("issue__project").get(pk=issue.pk)


def has_letter(project: Project, message_id: str, sender: str) -> bool:
    """Whether this mail of this participant is in a ticket of the project already, or in
    one that was moved from there."""
    if not message_id:
        return False
    letters = ThreadMessage.objects.filter(
        _of(project), message_id=name_id(message_id), from_outside=True
    )
    writers = letters.values_list("participant__address", flat=True)
    return canonical_address(sender) in {canonical_address(each) for each in writers if each}


def has_note(ticket: Ticket, message_id: str, sender: str) -> bool:
    """The same of somebody who does not participate, whose mail a member has let in: this mail is
    in this ticket, which has notes of theirs."""
    ours = ThreadMessage.objects.filter(
        ticket=ticket, message_id=name_id(message_id), from_outside=True, participant=None
    )
    notes = Note.objects.filter(issue=ticket.pk, external_author=sender)
    return bool(message_id) and ours.exists() and notes.exists()


def find_thread_of(participants: Iterable[Participant]) -> dict[int, list[str]]:
    """By participant, the ids of the mails they wrote or got, oldest first, in one query."""
    rows = ThreadMessage.objects.filter(participant__in=list(participants)).order_by("pk")
    threads: dict[int, list[str]] = {}
    for participant_id, message_id in rows.values_list("participant_id", WHOLE_ID):
        if participant_id is not None:
            threads.setdefault(participant_id, []).append(message_id)
    return threads


def find_first(issue: Issue) -> list[str]:
    """The id of the mail that the ticket began with, which people in its Cc have as well."""
    rows = ThreadMessage.objects.filter(ticket=issue.pk, from_outside=True).order_by("pk")
    return list(rows.values_list(WHOLE_ID, flat=True)[:1])


def record_bounce(participant: Participant, ids: Iterable[str], *, now: datetime) -> bool | None:
    """These mails did not reach the participant: whether that is news. None where none of them
    went to the participant."""
    theirs = ThreadMessage.objects.filter(
        participant=participant, from_outside=False, message_id__in=find_names(ids)
    )
    if theirs.filter(bounced_at=None).update(bounced_at=now):
        return True
    return False if theirs.exists() else None
