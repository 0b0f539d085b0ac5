"""The mail that notifies one person of one event."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.crypto import constant_time_compare
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from issues.external_people import ExternalPeople, Sight, find_people
from issues.models import (
    Event,
    ExternalPerson,
    Issue,
    MergeRequest,
    Note,
    NotePosition,
    User,
    note_address,
)
from issues.notifications.recipients import Recipient, Tie
from issues.notifications.routes import ReplyRoute
from issues.outbox import (
    MailHeaders,
    NewMail,
    address_with_name,
    answer_subject,
    bare_address,
    make_list_id,
    make_message_id,
    shorten_prefixes,
)
from issues.rendering import render_mail
from issues.unsubscribing import unsubscribe_url

MESSAGE_ID_SALT = "issues.notifications.message_id"
_OWN_ID = re.compile(
    r"(?P<kind>note|issue)-(?P<pk>[1-9][0-9]{0,17})\.u(?P<user>[1-9][0-9]{0,17})\.[^\s@]{1,60}@\S{1,255}",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Story:
    """The event, the same for everybody who is notified."""

    announcement_id: int
    event: str
    item: Issue | MergeRequest
    note: Note | None
    first_note_id: int | None
    """The note that opened the discussion, where this one is an answer."""

    position: NotePosition | None = None
    """The line of a diff that the discussion is about."""

    told: frozenset[int] = frozenset()
    """Ids of the accounts that are mailed a notification of it."""

    @property
    def external_author(self) -> str:
        """The address of its author, where that is a person without an account."""
        source = self.item if self.note is None else self.note
        return "" if isinstance(source, MergeRequest) else source.external_author

    def name_author(self, people: ExternalPeople) -> str:
        """The name in From and at the beginning."""
        if self.external_author:
            return people.show(self.external_author)
        author = (self.item if self.note is None else self.note).author
        return _("somebody whose account is gone") if author is None else str(author)

    @property
    def subject(self) -> str:
        mark = "#" if isinstance(self.item, Issue) else "!"
        title = f"{self.item.title} ({mark}{self.item.iid})"
        return shorten_prefixes(title) if self.note is None else answer_subject(title)

    @property
    def text(self) -> str:
        """Markdown, with the addresses of our files absolute."""
        text = self.item.description if self.note is None else self.note.body
        return text.replace("](/uploads/", f"]({settings.BASE_URL}/uploads/")

    @property
    def location(self) -> str:
        """The location of the lines of `excerpt`; names of files may contain any character."""
        if self.position is None:
            return ""
        path = "".join(letter if letter.isprintable() else "?" for letter in self.position.path)
        return _("On line %(number)s of %(path)s:") % {
            "number": self.position.number,
            "path": path,
        }

    @property
    def excerpt(self) -> tuple[str, ...]:
        return () if self.position is None else tuple(self.position.excerpt.split("\n"))

    @property
    def url(self) -> str:
        page = "issue-detail" if isinstance(self.item, Issue) else "merge-request-detail"
        address = settings.BASE_URL + reverse(page, args=[self.item.project.path, self.item.iid])
        return address if self.note is None else note_address(address, self.note.pk)

    def describe(self, people: ExternalPeople) -> str:
        """Who did what, in the sentence that the mail begins with."""
        name = self.name_author(people)
        if self.note is not None and self.note.system:
            return f"{name} {people.show_text(self.note.body)}."
        if self.note is not None and self.note.internal:
            return _("%(name)s wrote an internal note:") % {"name": name}
        sentences = {
            Event.NEW_ISSUE: _("%(name)s opened an issue:"),
            Event.NEW_MERGE_REQUEST: _("%(name)s opened a merge request:"),
            Event.NEW_NOTE: _("%(name)s wrote:"),
            Event.REOPENING_NOTE: _("%(name)s wrote, and it is open again:"),
        }
        return sentences[Event(self.event)] % {"name": name}


def compose(
    story: Story,
    html: SafeString,
    recipient: Recipient,
    route: ReplyRoute,
    known: Mapping[str, ExternalPerson],
) -> NewMail:
    """`html` is the text rendered once for all, `known` are people without an account.
    Written in the recipient's language."""
    user = recipient.user
    people = ExternalPeople(recipient.sight, known)
    unsubscribe_link = unsubscribe_url(user, story.item)
    with translation.override(user.language):
        context = {
            "headline": story.describe(people),
            "text": "" if story.note and story.note.system else story.text,
            "location": story.location,
            "excerpt": story.excerpt,
            "html": "" if story.note and story.note.system else html,
            "url": story.url,
            "reason": _reason(recipient.tie),
            "can_reply": bool(route.reply_to or route.reference),
            "unsubscribe_url": unsubscribe_link,
            "language": user.language,
        }
        sender = bare_address(settings.DEFAULT_FROM_EMAIL)
        return NewMail(
            kind=story.event,
            effect_key=f"announcement-{story.announcement_id}-u{user.pk}",
            recipient=user.email,
            subject=story.subject,
            text=render_to_string("issues/mail/notification.txt", context),
            html=render_to_string("issues/mail/notification.html", context),
            envelope_sender=sender,
            from_header=address_with_name(story.name_author(people), sender),
            message_id=_own_id(story, user),
            headers=_headers(story, user, route, unsubscribe_link),
            project=story.item.project,
            announcement_id=story.announcement_id,
        )


def find_known(story: Story) -> Mapping[str, ExternalPerson]:
    """Of the people without an account whom the mails may name; no query where there is none."""
    return find_people(story.item.project_id, [story.external_author], Sight.ADDRESS).known


def render_story(story: Story) -> SafeString:
    return render_mail(story.text, base_url=settings.BASE_URL)


def root_id(item: Issue | MergeRequest, user: User) -> str:
    """The Message-ID of the mail that notified this person of the item, sent or not."""
    return _message_id("issue" if isinstance(item, Issue) else "merge-request", item.pk, user.pk)


def note_id(note_pk: int, user: User) -> str:
    return _message_id("note", note_pk, user.pk)


def _message_id(kind: str, pk: int, user_pk: int) -> str:
    return make_message_id(f"{kind}-{pk}.u{user_pk}", salt=MESSAGE_ID_SALT)


def find_told_notes(ids: Iterable[str]) -> dict[str, tuple[Note, int]]:
    """By the Message-ID of the mail that told somebody of it, with that person's id; one query, or
    none where no id has that form. The proof in it is checked."""
    told = _find_proven(ids, "note")
    if not told:
        return {}
    pks = {pk for pk, _user_pk in told.values()}
    notes = Note.objects.select_related("issue", "merge_request").in_bulk(pks)
    return {name: (notes[pk], user) for name, (pk, user) in told.items() if pk in notes}


def find_told_issues(ids: Iterable[str]) -> list[Issue]:
    """Those that somebody was told of by mails with these Message-IDs; as many queries."""
    pks = {pk for pk, _user_pk in _find_proven(ids, "issue").values()}
    return list(Issue.objects.filter(pk__in=pks)) if pks else []


def _find_proven(ids: Iterable[str], kind: str) -> dict[str, tuple[int, int]]:
    """By id, the row that it names and the person."""
    proven = {}
    for found in filter(None, map(_OWN_ID.fullmatch, ids)):
        pk, user_pk = int(found["pk"]), int(found["user"])
        # Some programs change the case of letters.
        own = _message_id(kind, pk, user_pk).lower()
        if constant_time_compare(found[0].lower(), own):
            proven[found[0]] = (pk, user_pk)
    return proven


def _own_id(story: Story, user: User) -> str:
    return root_id(story.item, user) if story.note is None else note_id(story.note.pk, user)


def _headers(story: Story, user: User, route: ReplyRoute, unsubscribe_link: str) -> MailHeaders:
    project = story.item.project
    parents = [] if story.note is None else [root_id(story.item, user)]
    if story.first_note_id is not None:
        parents.append(note_id(story.first_note_id, user))
    return MailHeaders(
        in_reply_to=parents[-1] if parents else "",
        thread=[*route.thread, *parents],
        reply_key_id=route.reference,
        reply_to=route.reply_to,
        reply_to_name=project.path,
        list_id=make_list_id(project),
        unsubscribe_url=unsubscribe_link,
        unsubscribe_address=route.unsubscribe,
    )


def _reason(tie: Tie) -> str:
    return {
        Tie.MENTIONED: _("You're receiving this email because you were mentioned."),
        Tie.ASSIGNED: _("You're receiving this email because this is assigned to you."),
        Tie.AUTHOR: _("You're receiving this email because you opened this."),
        Tie.SUBSCRIBED: _("You're receiving this email because you subscribed to this."),
        Tie.TOOK_PART: _("You're receiving this email because you participated in this thread."),
    }[tie]
