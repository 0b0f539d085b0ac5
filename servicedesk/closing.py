"""What the desk says when a ticket is closed as a duplicate, and which stay confidential."""

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from issues import services
from issues.models import Issue, Visibility
from servicedesk.bot import find_bot
from servicedesk.models import Ticket


def tell_of_duplicate(issue: Issue) -> bool:
    """For DUPLICATE_NOTICES, in the language of the site. The other issue is not named, since it
    may be somebody else's."""
    if not Ticket.objects.filter(pk=issue.pk).exists():
        return False
    with translation.override(settings.LANGUAGE_CODE):
        body = _(
            "We are working on this in another request already, so this one is closed. You need not"
            " do anything. Reply to this email if yours is about something else."
        )
    services.create_note(item=issue, author=find_bot(issue.project), body=body)
    return True


def why_confidential(issue: Issue) -> str:
    """For KEPT_CONFIDENTIAL."""
    if issue.project.visibility != Visibility.PUBLIC:
        return ""
    if not Ticket.objects.filter(pk=issue.pk).exists():
        return ""
    return _("The project is public, and everybody would read the ticket. It stays confidential.")
