"""A customer waits on where the last answer of the team reached nobody."""

from datetime import datetime

from issues.models import Announcement, Note, OutgoingEmail, OutgoingState
from servicedesk.models import ThreadMessage, Ticket


def note_given_up(mail: OutgoingEmail, *, now: datetime) -> None:
    """For GIVEN_UP."""
    ours = ThreadMessage.objects.filter(message_id=mail.message_id, from_outside=False)
    message = ours.select_related("ticket").first()
    if message is not None:
        wait_on(message.ticket, now=now)


def wait_on(ticket: Ticket, *, now: datetime) -> None:
    """Where each mail of the newest comment of the team failed or came back. They wait from now
    on, so that a ticket that was closed with it is seen too."""
    Ticket.objects.select_for_update().get(pk=ticket.pk)  # two of its mails at the same moment
    answers = Note.objects.filter(issue=ticket.pk, internal=False, system=False, external_author="")
    newest = answers.order_by("-pk").first()
    if newest is None or Announcement.objects.filter(note=newest, fanned_out_at=None).exists():
        return
    if _reached_nobody(ticket, newest):
        Ticket.objects.filter(pk=ticket.pk, waiting_since=None).update(waiting_since=now)


def _reached_nobody(ticket: Ticket, answer: Note) -> bool:
    """False also where there was nobody to reach: then they wait already."""
    ours = ThreadMessage.objects.filter(ticket=ticket, from_outside=False)
    came_back = set(ours.exclude(bounced_at=None).values_list("message_id", flat=True))
    mails = OutgoingEmail.objects.filter(
        message_id__in=ours.values("message_id"), effect_key__startswith=f"note-{answer.pk}-p"
    ).values_list("message_id", "state")
    lost = [state == OutgoingState.FAILED or name in came_back for name, state in mails]
    return bool(lost) and all(lost)
