"""The texts of mails to customers: the desk's own or ours, with the placeholders filled in."""

import re

from django.conf import settings
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from issues.marked_text import MarkedText
from issues.models import Issue
from servicedesk.models import ServiceDesk
from servicedesk.placeholders import PLACEHOLDER, PlaceholderContext, fill_in, find_values
from servicedesk.quoting import fill_in_marked

_NUMBER = ("ISSUE_ID", "ISSUE_PATH", "ISSUE_URL")
_UNREAD = {
    ("NOTE_TEXT",): gettext_lazy(
        "“%(text)s” has no %(placeholder)s: customers will not read your comments."
    ),
    ("ISSUE_DESCRIPTION",): gettext_lazy(
        "“%(text)s” has no %(placeholder)s: new participants will not read what it is about."
    ),
    _NUMBER: gettext_lazy(
        "“%(text)s” has no %(placeholder)s: customers will not read the number of their request."
    ),
    ("UNSUBSCRIBE_URL",): gettext_lazy(
        "“%(text)s” has no %(placeholder)s: customers will not read how they get no more of these"
        " mails."
    ),
}
"""By the placeholders of which a text needs one, what its readers miss without."""

_NEEDED = {
    "thank_you": (_NUMBER, ("UNSUBSCRIBE_URL",)),
    "new_note": (("NOTE_TEXT",), ("UNSUBSCRIBE_URL",)),
    "new_participant": (_NUMBER, ("ISSUE_DESCRIPTION",), ("UNSUBSCRIBE_URL",)),
}


def find_unread(desk: ServiceDesk) -> list[str]:
    """Sentences about what customers will not read, since a text of the desk leaves it out."""
    found = []
    for column, needs in _NEEDED.items():
        own = getattr(desk, column)
        names = {match["name"] for match in PLACEHOLDER.finditer(own)}
        label = capfirst(ServiceDesk._meta.get_field(column).verbose_name)  # type: ignore[union-attr]
        for need in needs:
            if own.strip() and names.isdisjoint(need):
                values = {"text": label, "placeholder": f"%{{{need[0]}}}"}
                found.append(_UNREAD[need] % values)
    return found


def neutral_subject(issue: Issue) -> str:
    return _("Your request %s") % f"#{issue.iid}"


def thank_you(
    desk: ServiceDesk | None, issue: Issue, *, unsubscribe_url: str, words: str = ""
) -> str:
    """`words`, here and below: what the requester wrote, as far as the reader may have it."""
    own = desk.thank_you if desk is not None else ""
    default = _(
        "Thank you for contacting us. Your request is %{ISSUE_ID}. Reply to this email to add a"
        " comment.\n\nUnsubscribe: %{UNSUBSCRIBE_URL}"
    )
    about = PlaceholderContext(issue=issue, words=words, unsubscribe_url=unsubscribe_url)
    return fill_in(own or default, find_values(about))


def new_participant(
    desk: ServiceDesk | None, issue: Issue, *, unsubscribe_url: str, words: str = ""
) -> str:
    own = desk.new_participant if desk is not None else ""
    default = _(
        "You've been added to ticket %{ISSUE_ID}. Reply to this email to comment.\n\n"
        "%{ISSUE_DESCRIPTION}\n\nUnsubscribe: %{UNSUBSCRIBE_URL}"
    )
    about = PlaceholderContext(issue=issue, words=words, unsubscribe_url=unsubscribe_url)
    return re.sub(r"\n{3,}", "\n\n", fill_in(own or default, find_values(about)))


def new_note(
    desk: ServiceDesk | None, issue: Issue, text: str, *, unsubscribe_url: str, words: str = ""
) -> str:
    own = desk.new_note if desk is not None else ""
    default = _("%{NOTE_TEXT}\n\n---\n\nUnsubscribe: %{UNSUBSCRIBE_URL}")
    about = PlaceholderContext(issue=issue, words=words, note=text, unsubscribe_url=unsubscribe_url)
    return fill_in(own or default, find_values(about))


def canned_reply(text: str, issue: Issue, words: str | None = None) -> MarkedText:
    """What a member is about to say in their own name, the customer's words in it as a quote.
    `words`: None where nobody knows which of the description are the customer's: the member sees
    them before they are sent."""
    words = issue.description if words is None else words
    return fill_in_marked(text, find_values(PlaceholderContext(issue=issue, words=words)))


def _(text: str) -> str:
    """In the language of the site: the customer's is not known, and whoever acted may read another
    one."""
    with translation.override(settings.LANGUAGE_CODE):
        return gettext(text)
