"""The one mail to the author of a text that could not be delivered to somebody."""

from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from issues.models import (
    Announcement,
    Issue,
    MergeRequest,
    OutgoingEmail,
    OutgoingState,
    User,
)
from issues.outbox.enqueueing import NewMail, enqueue_many
from issues.outbox.headers import make_message_id

KIND = "undelivered"
MOST_SHOWN = 20
READ_ADDRESSES = "issues.read_internal"
DETAILS = (
    *("issue__project", "merge_request__project", "note__issue__project"),
    *("note__merge_request__project", "note__author", "issue__author", "merge_request__author"),
)


def notify(row: OutgoingEmail, reason: str, *, now: datetime) -> None:
    """One mail for each event, by the server of EMAIL_URL, to who may still read the item.

    Mail that no person caused has no event, this mail included, so nothing of it goes round in a
    circle. Call in the transaction that gives the row up.
    """
    if row.announcement_id is None:
        return
    event = Announcement.objects.select_related(*DETAILS).filter(pk=row.announcement_id).first()
    if event is None:
        return
    note = event.note
    item = event.issue or event.merge_request or (note.item if note is not None else None)
    source = item if note is None else note
    if item is None or source is None or (note is not None and note.system):
        return
    is_external = not isinstance(source, MergeRequest) and bool(source.external_author)
    author = None if is_external else source.author
    if author is None or not author.is_active or not author.email:
        return
    if author.email.lower() == row.recipient.lower():
        return  # it would go the same way
    if not author.has_perm("issues.read_item", item):
        return
    cause = f"{KIND}-{event.pk}"
    with translation.override(author.language):
        subject, text = _compose(item, author, row, reason, is_note=note is not None)
    anchor = "" if note is None else f"#note-{note.pk}"
    mail = NewMail(
        kind=KIND,
        effect_key=cause,
        recipient=author.email,
        subject=subject,
        text=f"{text}\n\n{_find_url(item)}{anchor}\n",
        envelope_sender="",
        message_id=make_message_id(cause),
        project=item.project,
    )
    enqueue_many([mail], now=now)


def find_undelivered(item: Issue | MergeRequest) -> list[OutgoingEmail]:
    """The newest mails about it that were given up, with what they tell of."""
    failed = OutgoingEmail.objects.filter(state=OutgoingState.FAILED, project=item.project_id)
    if isinstance(item, Issue):
        theirs = Q(announcement__issue=item) | Q(announcement__note__issue=item)
    else:
        theirs = Q(announcement__merge_request=item) | Q(announcement__note__merge_request=item)
    rows = failed.filter(theirs).exclude(recipient="").select_related("announcement")
    return list(rows.defer("text", "html", "headers").order_by("-pk")[:MOST_SHOWN])


def _compose(
    item: Issue | MergeRequest, author: User, row: OutgoingEmail, reason: str, *, is_note: bool
) -> tuple[str, str]:
    """Who may not see addresses reads how many people it was, and not what the server said."""
    given_up = OutgoingEmail.objects.filter(
        announcement=row.announcement_id, state=OutgoingState.FAILED
    )
    addresses = list(given_up.order_by("pk").values_list("recipient", flat=True))
    count = len(addresses)
    may_read = author.has_perm(READ_ADDRESSES, item.project)
    people = ngettext("%(count)d person", "%(count)d people", count) % {"count": count}
    names = {"item": str(item), "people": ", ".join(addresses) if may_read else people}
    what = (
        _("Your comment on %(item)s could not be delivered to %(people)s.")
        if is_note
        else _("The mail about %(item)s, which you opened, could not be delivered to %(people)s.")
    )
    advice = _(
        "It is not tried again. Reach them in another way, or ask a maintainer to correct the"
        " address. You get one such mail for each text."
    )
    said = _("The mail server or the connection to it said: %s") % reason if may_read else ""
    paragraphs = (what % names, advice, said)
    return _("Not delivered: %s") % item.title, "\n\n".join(filter(None, paragraphs))


def _find_url(item: Issue | MergeRequest) -> str:
    page = "issue-detail" if isinstance(item, Issue) else "merge-request-detail"
    return f"{settings.BASE_URL}{reverse(page, args=[item.project.path, item.iid])}"
