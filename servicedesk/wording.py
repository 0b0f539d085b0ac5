"""The texts of mails to customers: the desk's own or ours, with the placeholders filled in."""

import re

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from issues.marked_text import MarkedText
from issues.models import Issue
from servicedesk.models import ServiceDesk
from servicedesk.placeholders import WORDS_OF_OTHERS, PlaceholderContext, fill_in, find_values
from servicedesk.quoting import fill_in_marked


def neutral_subject(issue: Issue) -> str:
    return _("Your request %s") % f"#{issue.iid}"


def thank_you(
    desk: ServiceDesk | None,
    issue: Issue,
    *,
    unsubscribe_url: str,
    includes_description: bool = True,
) -> str:
    own = desk.thank_you if desk is not None else ""
    default = _(
        "Thank you for contacting us. Your request is %{ISSUE_ID}. Reply to this email to add a"
        " comment.\n\nUnsubscribe: %{UNSUBSCRIBE_URL}"
    )
    values = find_values(PlaceholderContext(issue=issue, unsubscribe_url=unsubscribe_url))
    if not includes_description:
        values |= dict.fromkeys(WORDS_OF_OTHERS, "")
    return fill_in(own or default, values)


def new_participant(
    desk: ServiceDesk | None,
    issue: Issue,
    *,
    unsubscribe_url: str,
    includes_description: bool = True,
) -> str:
    own = desk.new_participant if desk is not None else ""
    default = _(
        "You've been added to ticket %{ISSUE_ID}. Reply to this email to comment.\n\n"
        "%{ISSUE_DESCRIPTION}\n\nUnsubscribe: %{UNSUBSCRIBE_URL}"
    )
    values = find_values(PlaceholderContext(issue=issue, unsubscribe_url=unsubscribe_url))
    if not includes_description:
        values["ISSUE_DESCRIPTION"] = ""
    return re.sub(r"\n{3,}", "\n\n", fill_in(own or default, values))


def new_note(
    desk: ServiceDesk | None,
    issue: Issue,
    text: str,
    *,
    unsubscribe_url: str,
    includes_description: bool = True,
) -> str:
    own = desk.new_note if desk is not None else ""
    default = _("%{NOTE_TEXT}\n\n---\n\nUnsubscribe: %{UNSUBSCRIBE_URL}")
    about = PlaceholderContext(issue=issue, note=text, unsubscribe_url=unsubscribe_url)
    values = find_values(about)
    if not includes_description:
        values |= {"ISSUE_DESCRIPTION": ""}
    return fill_in(own or default, values)


def canned_reply(text: str, issue: Issue) -> MarkedText:
    """What a member is about to say in their own name, the customer's words in it as a quote."""
    return fill_in_marked(text, find_values(PlaceholderContext(issue=issue)))


def _(text: str) -> str:
    """In the language of the site: the customer's is not known, and whoever acted may read another
    one."""
    with translation.override(settings.LANGUAGE_CODE):
        return gettext(text)
