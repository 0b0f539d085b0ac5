"""The desk on the pages of projects and issues, for those who may see it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import template

from issues.mail_addresses import canonical_address
from issues.models import Issue, Project
from servicedesk.models import ServiceDesk, Ticket
from servicedesk.showing import READ, ShownMail, ShownTicket, show_ticket
from servicedesk.spam import find_spam

if TYPE_CHECKING:
    from django.http import HttpRequest

register = template.Library()
MOST_SPAM = 100


@register.simple_tag(takes_context=True)
def find_ticket(context: dict[str, Any], issue: Issue) -> ShownTicket | None:
    request: HttpRequest = context["request"]
    return show_ticket(issue, request.user)


@register.simple_tag
def count_spam_tickets(project: Project) -> int:
    """For a page of maintainers."""
    return find_spam(project).count()


@register.simple_tag
def find_spam_tickets(project: Project) -> Sequence[Ticket]:
    """For a page of maintainers: those marked last."""
    return list(find_spam(project)[:MOST_SPAM])


@register.filter
def mails_of_note(ticket: ShownTicket, note_id: int) -> Sequence[ShownMail]:
    return ticket.mails.get(f"note-{note_id}", ())


@register.filter
def withheld_of_note(ticket: ShownTicket, note_id: int) -> Sequence[str]:
    return ticket.withheld.get(note_id, ())


@register.filter
def copies_of_note(ticket: ShownTicket, note_id: int) -> Sequence[str]:
    return ticket.copies.get(note_id, ())


@register.filter
def is_member(ticket: ShownTicket, address: str) -> bool:
    return canonical_address(address) in ticket.members


@register.filter
def mails_of_opening(ticket: ShownTicket, issue_pk: int) -> Sequence[ShownMail]:
    """The thank-you and the welcomes of those who came later."""
    thanks = ticket.mails.get(f"ticket-{issue_pk}", ())
    return [*thanks, *ticket.mails.get(f"welcome-{issue_pk}", ())]


@register.simple_tag(takes_context=True)
def has_desk_tab(context: dict[str, Any], project: Project) -> bool:
    """For reporters where there is a desk or a ticket; for maintainers always, to set it up."""
    request: HttpRequest = context["request"]
    user = request.user
    if not user.has_perm(READ, project):
        return False
    if ServiceDesk.objects.filter(project=project, enabled=True).exists():
        return True
    return (
        user.has_perm("issues.administer_project", project)
        or Ticket.objects.filter(issue__project=project).exists()
    )
