"""From one announcement to one outgoing mail a person, exactly once."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.db import transaction

from issues import outbox
from issues.models import Announcement, Note, NotePosition
from issues.notifications.composing import Story, compose, find_known, render_story
from issues.notifications.recipients import find_recipients
from issues.notifications.routes import NO_ROUTE, find_routes
from issues.notifications.sources import find_external_mails
from issues.permissions import is_spam
from issues.stopping import UNLIMITED, Budget

DETAILS = (
    "issue__project",
    "issue__author",
    "merge_request__project",
    "merge_request__author",
    "note__author",
    "note__issue__project",
    "note__issue__author",
    "note__issue__merged_into__project",
    "note__issue__merged_into__author",
    "note__merge_request__project",
    "note__merge_request__author",
)


@transaction.atomic
def fan_out(announcement_id: int, *, now: datetime) -> int:
    """Write its mails, and keep the HTML of its text for pages. Returns the number of mails; 0 if
    it was done before, by another worker or before a crash, or is about spam."""
    # The lock first and alone: PostgreSQL locks no row on the nullable side of a join.
    locked = Announcement.objects.select_for_update().filter(pk=announcement_id, fanned_out_at=None)
    if locked.first() is None:
        return 0
    announcement = Announcement.objects.select_related(*DETAILS).get(pk=announcement_id)
    story = _make_story(announcement)
    if is_spam(story.item):
        return 0
    recipients = find_recipients(item=story.item, note=story.note, actor_id=announcement.actor_id)
    routes = find_routes(
        recipients=[recipient.user for recipient in recipients],
        item=story.item,
        discussion=story.note.discussion if story.note is not None else "",
    )
    html, known = render_story(story), find_known(story)
    mails = [
        compose(story, html, recipient, routes.get(recipient.user.pk, NO_ROUTE), known)
        for recipient in recipients
    ]
    story = replace(story, told=frozenset(recipient.user.pk for recipient in recipients))
    mails += find_external_mails(story, now=now)
    outbox.enqueue_many(mails, now=now)
    if story.note is None:
        story.item.keep_html()
    elif not story.note.system:
        story.note.keep_html()
    Announcement.objects.filter(pk=announcement_id).update(fanned_out_at=now)
    return len(mails)


def _make_story(announcement: Announcement) -> Story:
    note = announcement.note
    if note is not None and note.issue is not None and note.issue.merged_into is not None:
        # Written at the moment of the merging, which did not see it.
        note.issue = note.issue.merged_into
        note.save(update_fields=["issue"])
    item = announcement.issue or announcement.merge_request or (note.item if note else None)
    assert item is not None  # noqa: S101  (every service that announces gives one of the three)
    return Story(
        announcement_id=announcement.pk,
        event=announcement.event,
        item=item,
        note=note,
        first_note_id=_find_first_note_id(note) if note is not None else None,
        position=_find_position(note) if note is not None else None,
    )


def _find_position(note: Note) -> NotePosition | None:
    if note.merge_request_id is None:
        return None
    opening = NotePosition.objects.filter(
        note__discussion=note.discussion, note__merge_request=note.merge_request_id
    )
    return opening.order_by("pk").first()


def _find_first_note_id(note: Note) -> int | None:
    earlier = Note.objects.filter(
        discussion=note.discussion,
        issue=note.issue_id,
        merge_request=note.merge_request_id,
        pk__lt=note.pk,
    )
    if not note.internal:
        earlier = earlier.filter(internal=False)
    return earlier.order_by("pk").values_list("pk", flat=True).first()


def fan_out_owed(*, now: datetime, limit: int = 500, budget: Budget = UNLIMITED) -> int:
    """Write the mails for the oldest announcements that are due, until the budget is over; returns
    their number."""
    owed = Announcement.objects.owed().order_by("pk")
    ids = list(owed.values_list("pk", flat=True)[:limit])
    written: list[int] = []
    # One that fails must not delay the others: each runs, then the fault is raised.
    with ExitStack() as stack:
        for announcement_id in reversed(ids):
            stack.callback(partial(_fan_out_into, written, announcement_id, now, budget))
    return sum(written)


def _fan_out_into(written: list[int], announcement_id: int, now: datetime, budget: Budget) -> None:
    if budget.is_over():
        return
    written.append(fan_out(announcement_id, now=now))
