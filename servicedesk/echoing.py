"""Detects automatic replies between two external participants of a ticket, and stops forwarding
them."""

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from issues import services
from issues.models import Issue, Note
from servicedesk.bot import find_bot

HOUR = timedelta(hours=1)


def is_echo(issue: Issue, note: Note) -> bool:
    """Whether DESK_ECHO_LIMIT_PER_HOUR mails of external participants came before it, without a
    comment of the team.

    The first such adds an internal note, so that somebody looks. The next comment of a member ends
    it.
    """
    limit: int = settings.DESK_ECHO_LIMIT_PER_HOUR
    if limit <= 0 or not note.external_author:
        return False
    public = issue.notes.filter(internal=False, system=False, pk__lt=note.pk)
    ours = public.filter(external_author="").order_by("-pk").values_list("pk", flat=True).first()
    theirs = public.exclude(external_author="").filter(
        pk__gt=ours or 0, created_at__gt=note.created_at - HOUR
    )
    count = theirs.count()
    if count == limit:
        _request_review(issue, limit)
    return count >= limit


def _request_review(issue: Issue, limit: int) -> None:
    sentence = _(
        "External participants sent more than %(limit)s emails here in an hour, with no comment of"
        " a team member between them. They may be automatic replies to each other, so they are not"
        " forwarded to the other participants. Forwarding resumes after a team member comments."
    ) % {"limit": limit}
    bot = find_bot(issue.project)
    services.create_note(item=issue, author=bot, body=sentence, internal=True)
