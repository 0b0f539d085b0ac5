"""A member merges two tickets: one goes on with the participants and mails of both."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from incoming_email.held_mail import carry_held
from issues import services
from issues.mail_addresses import canonical_address
from issues.models import Announcement, Issue, User
from issues.notifications import fan_out
from issues.services.refusals import require
from servicedesk import moving
from servicedesk.models import Participant, ThreadMessage, Ticket, UnprovenNote

PERMISSION = "issues.triage_item"


@transaction.atomic
def merge_ticket(*, issue: Issue, actor: User, into: Issue, now: datetime) -> None:
    """Close the ticket, and go on in `into` with all that was said, its external participants and
    its mails. Mail that answers the former one becomes a note there. One of another project is
    moved first. Nobody gets by mail what was written before.

    Raises what `merge_issue` and `move` raise, and Invalid where one of them is no ticket, or
    there would be too many participants.
    """
    require(actor, PERMISSION, issue)
    require(actor, PERMISSION, into)
    # In the order in which all that writes mail locks: announcements, tickets, issues.
    _write_owed_mails([issue, into], now=now)
    ticket, target = _lock_tickets(issue, into)
    if issue.project_id != into.project_id:
        moving.move(issue=issue, actor=actor, project=into.project)
    _write_owed_mails([issue, into], now=now, skip_locked=True)
    carry_held(issue, into)
    opening = services.merge_issue(issue=issue, actor=actor, into=into)
    if issue.external_author and not ticket.proven:
        UnprovenNote.objects.create(note=opening)
    _move_participants(ticket, target)
    known = ThreadMessage.objects.filter(ticket=target).values_list("message_id", flat=True)
    mails = ThreadMessage.objects.filter(ticket=ticket)
    mails.exclude(message_id__in=list(known)).update(ticket=target)
    _move_waiting(ticket, target)


def _write_owed_mails(issues: Sequence[Issue], *, now: datetime, skip_locked: bool = False) -> None:
    """To those who take part in each so far. What a worker is writing at this moment is waited for,
    or left to the worker."""
    services.write_gathered()
    about = Q(issue__in=issues) | Q(note__issue__in=issues)
    owed = Announcement.objects.filter(about, fanned_out_at=None).order_by("pk")
    locked = owed.select_for_update(of=("self",), skip_locked=skip_locked)
    for pk in list(locked.values_list("pk", flat=True)):
        fan_out(pk, now=now)


def _lock_tickets(issue: Issue, into: Issue) -> tuple[Ticket, Ticket]:
    rows = Ticket.objects.select_for_update().order_by("pk")
    found = {ticket.pk: ticket for ticket in rows.filter(pk__in=[issue.pk, into.pk])}
    for each in (issue, into):
        if each.pk not in found:
            message = _("%(issue)s is no ticket. Make it one first: /convert_to_ticket ADDRESS.")
            raise services.Invalid([message % {"issue": f"#{each.iid}"}])
    return found[issue.pk], found[into.pk]


def _move_participants(ticket: Ticket, target: Ticket) -> None:
    """Who takes part in both stays as they are in the target, with the mails of both. The others
    join now: nobody gets what was written before."""
    present = {canonical_address(each.address): each for each in target.participants.all()}
    new = []
    for person in ticket.participants.all():
        twin = present.get(canonical_address(person.address))
        if twin is None:
            new.append(person.pk)
        else:
            ThreadMessage.objects.filter(participant=person).update(participant=twin)
    if len(present) + len(new) > settings.DESK_MAX_PARTICIPANTS:
        message = _(
            "A ticket takes at most %(limit)s external participants. Remove somebody first."
        )
        raise services.Invalid([message % {"limit": settings.DESK_MAX_PARTICIPANTS}])
    Participant.objects.filter(pk__in=new).update(ticket=target, joined_at=timezone.now())


def _move_waiting(ticket: Ticket, target: Ticket) -> None:
    """Whoever has waited longest; it is snoozed only if nobody waited in one that was not."""
    rows = Ticket.objects.filter(pk__in=[ticket.pk, target.pk])
    times = rows.filter(waiting_since__isnull=False).values_list("waiting_since", flat=True)
    since = min(filter(None, times), default=None)
    is_awake = rows.filter(waiting_since__isnull=False, snoozed_until=None).exists()
    rows.filter(pk=ticket.pk).update(waiting_since=None, snoozed_until=None)
    rows.filter(pk=target.pk).update(waiting_since=since)
    if is_awake:
        rows.filter(pk=target.pk).update(snoozed_until=None)
