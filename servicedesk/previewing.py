"""How the desk's texts will look to a customer, tried on a ticket that does not exist."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from issues.models import Issue
from issues.rendering import render_mail
from servicedesk import wording
from servicedesk.models import ServiceDesk

NUMBER = 42
UNSUBSCRIBING = "tickets/leave/…/"


@dataclass(frozen=True, slots=True)
class Preview:
    thank_you: SafeString
    new_note: SafeString
    new_participant: SafeString


def preview_texts(desk: ServiceDesk) -> Preview:
    """Rendered as the mails are; unknown placeholders stay as they were typed. No query."""
    issue = Issue(project=desk.project, iid=NUMBER, title=_("The door squeaks"))
    words = _("Since Monday, whenever I open it.")
    url = f"{settings.BASE_URL}/{UNSUBSCRIBING}"
    comment = _("We have oiled it. **Does it still squeak?**")
    return Preview(
        thank_you=_render(wording.thank_you(desk, issue, words=words, unsubscribe_url=url)),
        new_note=_render(wording.new_note(desk, issue, comment, words=words, unsubscribe_url=url)),
        new_participant=_render(
            wording.new_participant(desk, issue, words=words, unsubscribe_url=url)
        ),
    )


def _render(text: str) -> SafeString:
    return render_mail(text, base_url=settings.BASE_URL)
