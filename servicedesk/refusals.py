"""The team of a ticket hears of mail on it that waits for review, or that was rejected."""

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from incoming_email.held_mail import FOR_MAINTAINERS, find_held_on
from incoming_email.outcomes import Hold, Reason, Reject
from issues import services
from issues.models import Issue
from servicedesk.bot import find_bot
from servicedesk.models import Ticket

MOST_TOLD = 5
"""Messages that wait at once on a ticket; of further ones nobody hears until some are decided."""


def tell_team(*, issue: Issue, sender: str, refusal: Hold | Reject) -> None:
    """For REFUSED_MAIL: by an internal note, of which they hear as of any other."""
    if issue.spam_at is not None or not Ticket.objects.filter(pk=issue.pk).exists():
        return
    if not (_is_to_be_reviewed(issue, refusal) or refusal.reason is Reason.LOCKED):
        return
    with translation.override(settings.LANGUAGE_CODE):
        body = _describe(sender, refusal)
    bot = find_bot(issue.project)
    services.create_note(item=issue, author=bot, body=body, internal=True)


def _is_to_be_reviewed(issue: Issue, refusal: Hold | Reject) -> bool:
    """On the page of the ticket, where a flood is seen without a note of each."""
    if not isinstance(refusal, Hold) or refusal.reason in FOR_MAINTAINERS:
        return False
    return find_held_on(issue).count() < MOST_TOLD


def _describe(sender: str, refusal: Hold | Reject) -> str:
    # As code: whoever writes chooses their address, and may not mention anybody by it.
    name = f"`{sender.replace('`', '')}`" if sender else _("an unknown sender")
    if isinstance(refusal, Hold):
        return _(
            "A mail from %(sender)s on this ticket waits for review: %(reason)s Look at it on the"
            " page of this ticket, and accept or discard it."
        ) % {"sender": name, "reason": refusal.reason.label}
    return _(
        "A mail from %(sender)s was not added to this ticket, since the discussion is locked."
        " Unlock it and have an administrator process the mail again, or write to them."
    ) % {"sender": name}
