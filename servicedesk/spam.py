"""Tickets that are spam: out of sight with their sender blocked, brought back, or deleted in the
end."""

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from incoming_email.limits.blocking import block, find_taken_back
from issues import outbox
from issues.mail_addresses import canonical_address, find_spellings
from issues.models import Announcement, Issue, OutgoingEmail, OutgoingState, Project, User
from issues.services.recording import lock_item, record_change
from issues.services.refusals import require
from servicedesk.models import Participant, ThreadMessage, Ticket

PERMISSION = "issues.administer_project"
BATCH = 100


def find_spam(project: Project) -> QuerySet[Ticket]:
    """The newest first."""
    marked = Ticket.objects.filter(issue__project=project, issue__spam_at__isnull=False)
    return marked.select_related("issue__project").order_by("-issue__spam_at", "-pk")


@transaction.atomic
def mark_as_spam(*, issue: Issue, actor: User, now: datetime) -> bool:
    """Take a ticket out of all lists, block its requester for the project, and keep back what was
    not sent yet. Twice changes nothing. A member's address is not blocked. Returns whether anybody
    was.

    Raises what `require` raises; any issue that is no ticket is left alone.
    """
    require(actor, PERMISSION, issue.project)
    ticket = Ticket.objects.filter(pk=issue.pk).first()
    # What is fanned out at this moment is waited for, so that its mails are found below; in the
    # order in which that locks.
    about = Announcement.objects.filter(Q(issue=issue) | Q(note__issue=issue), fanned_out_at=None)
    list(about.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    lock_item(issue)
    if ticket is None or issue.spam_at is not None:
        return False
    issue.spam_at = now
    issue.save(update_fields=["spam_at"])
    _find_mails(ticket, OutgoingState.PENDING).update(state=OutgoingState.WITHHELD)
    sender = ticket.requester
    if not sender or _is_members(sender, issue.project):
        record_change(issue, actor, _("marked this as spam"))
        return False
    block(sender, issue.project)
    record_change(
        issue, actor, _("marked this as spam and blocked %(address)s"), address=ticket.requester
    )
    return True


def mark_as_no_spam(*, issue: Issue, actor: User, now: datetime) -> None:
    """Bring a ticket back, with the mail that was kept back for who still takes part, and take
    back the block of its requester where nothing else of theirs is spam. Twice changes nothing.
    Raises what `require` raises."""
    require(actor, PERMISSION, issue.project)
    bring_back(issue, actor, now=now)


@transaction.atomic
def bring_back(issue: Issue, actor: User, *, now: datetime) -> None:
    """The same, for whoever was allowed to already."""
    lock_item(issue)
    ticket = Ticket.objects.filter(pk=issue.pk).first()
    if ticket is None or issue.spam_at is None:
        return
    issue.spam_at = None
    issue.save(update_fields=["spam_at"])
    _find_mails(ticket, OutgoingState.WITHHELD, ticket.participants.to_write_to()).update(
        state=OutgoingState.PENDING, next_attempt_at=now
    )
    _find_mails(ticket, OutgoingState.WITHHELD).delete()  # to who has left meanwhile
    unblock(ticket.requester, issue.project)
    record_change(issue, actor, _("marked this as not spam"))
    outbox.wake_worker()  # for its announcements as well


def unblock(sender: str, project: Project) -> None:
    """Take back the block that came with marking a ticket of this sender as spam, where no ticket
    of theirs is spam any more. In a transaction."""
    # Locked before the others are asked for: who brings back another one waits, and finds this one.
    taken_back = find_taken_back(sender, project)
    blocks = [block.pk for block in taken_back.select_for_update()]
    others = find_spam(project).values_list("requester", flat=True) if blocks else ()
    if blocks and canonical_address(sender) not in map(canonical_address, others):
        taken_back.delete()


def delete_old_spam(*, now: datetime) -> int:
    """Delete tickets that were marked before KEEP_SPAM_DAYS, with mail that was kept back; return
    how many. Each in a transaction of its own: somebody may bring one back meanwhile."""
    days: int = settings.KEEP_SPAM_DAYS
    if not days:
        return 0
    old = Issue.objects.filter(spam_at__lt=now - timedelta(days=days))
    return sum(_delete(pk, old) for pk in old.values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _delete(pk: int, old: QuerySet[Issue]) -> bool:
    issue = old.select_for_update().filter(pk=pk).first()
    if issue is None:
        return False
    _find_mails(Ticket(pk=pk), OutgoingState.WITHHELD).delete()
    issue.delete()
    return True


def _find_mails(
    ticket: Ticket, state: OutgoingState, people: QuerySet[Participant] | None = None
) -> QuerySet[OutgoingEmail]:
    """Our mails to its external participants, or to these of them."""
    ours = ThreadMessage.objects.filter(ticket=ticket.pk, from_outside=False)
    if people is not None:
        ours = ours.filter(participant__in=people)
    return OutgoingEmail.objects.filter(state=state, message_id__in=ours.values("message_id"))


def _is_members(address: str, project: Project) -> bool:
    """To block it would end the member's own replies by mail."""
    theirs = EmailAddress.objects.filter(email__in=find_spellings(address), verified=True)
    return theirs.filter(user__memberships__project=project).exists()
