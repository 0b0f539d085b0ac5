"""An issue or merge request in the form that its page shows it to one reader."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from issues.external_people import ExternalPeople, Sight, find_people, sight_of_role
from issues.models import MergeRequest, Note, Subscription, Upload, User
from issues.permissions import Item, Person, find_access, visible_notes
from issues.views.note_pages import NotePage, NoteRow, Wanted, choose_page, group_rows
from issues.views.positions import ShownPosition, ShownPositions, show_positions
from issues.views.texts import PageTexts

NOTE_ROW = ("pk", "discussion", "system", "internal", "author_id", "position__pk")
# What quoted notifications contain: the 25-character key in an address, the unsubscribe link.
KEY = re.compile(r"(?<![0-9a-z])([0-9a-z]{4})[0-9a-z]{21}(?=(?:-[^\s@]{0,64})?@)", re.IGNORECASE)
LEAVING_LINK = re.compile(r"(/unsubscribe/)[^\s<>]+")


def hide_secrets(text: str) -> str:
    """The text without the keys and links by which another person could act as the writer."""
    return LEAVING_LINK.sub(r"\1…", KEY.sub(r"\1…", text))


@dataclass(frozen=True, slots=True)
class ShownNote:
    id: int
    author: str
    address: str
    """Of a person without an account, for those who may see it; empty where `author` is that."""

    body: SafeString
    quoted: str
    internal: bool
    system: bool
    created_at: datetime
    uploads: tuple[Upload, ...]


@dataclass(frozen=True, slots=True)
class ShownDiscussion:
    name: str
    notes: tuple[ShownNote, ...]
    internal: bool
    """Holds an internal note, so what is added to it is internal too."""
    system: bool
    position: ShownPosition | None
    """The line of a diff that it is about."""

    begins_at: int | None
    """Its first note, where an earlier page has that."""


@dataclass(frozen=True, slots=True)
class ShownItem:
    """What the page of an item needs besides the row; `may_…` are answers, asked once."""

    author: str
    address: str
    description: SafeString
    uploads: tuple[Upload, ...]
    discussions: tuple[ShownDiscussion, ...]
    page: NotePage
    comment_count: int
    subscribed: bool
    may_comment: bool
    may_edit: bool
    may_write_internal: bool


def show_item(
    item: Item, *, reader: Person, wanted: Wanted | None = None, at_lines: bool = False
) -> ShownItem:
    """Read a page of the notes and the reader's rights: the same number of queries for any length.

    `at_lines`: all discussions about lines of a diff, and no others.
    """
    sight = sight_of_role(find_access(reader, item.project).role)
    found = visible_notes(reader, item)
    known = [NoteRow(*row) for row in found.values_list(*NOTE_ROW)]
    groups = group_rows(known)
    if at_lines:
        page = NotePage(
            tuple(row for rows in groups.values() if rows[0].position_id for row in rows)
        )
    else:
        page = choose_page([row for rows in groups.values() for row in rows], wanted or Wanted())
    # The first note of a discussion has its position.
    needed = {row.pk for row in page.rows} | {groups[row.group][0].pk for row in page.rows}
    full = found.filter(pk__in=needed).select_related("author", "position")
    notes = {note.pk: note for note in full.prefetch_related("uploads")}
    people = find_people(item.project_id, [_address(item), *map(_address, notes.values())], sight)
    positions = show_positions(item, notes.values())
    grouped = group_rows(row for row in page.rows if row.pk in notes)
    texts = PageTexts.of([item, *notes.values()], project_id=item.project_id)
    shown = ShownItem(
        author=_author_name(item, people),
        address=people.show_address(_address(item)),
        description=texts.show(item),
        uploads=find_unlinked(item.uploads.all(), item.description),
        discussions=tuple(
            _show_discussion(groups[group], rows, notes, positions, texts=texts, people=people)
            for group, rows in grouped.items()
        ),
        page=page,
        comment_count=sum(not row.system for row in known),
        subscribed=_is_subscribed(item, reader, known),
        may_comment=reader.has_perm("issues.comment_on", item),
        may_edit=reader.has_perm("issues.edit_item", item),
        may_write_internal=sight is Sight.ADDRESS,
    )
    texts.have_kept()
    return shown


def _show_discussion(
    whole: Sequence[NoteRow],
    rows: Sequence[NoteRow],
    notes: Mapping[int, Note],
    positions: ShownPositions,
    *,
    texts: PageTexts,
    people: ExternalPeople,
) -> ShownDiscussion:
    """`rows` are those of it that the page shows."""
    first = whole[0]
    return ShownDiscussion(
        name=first.discussion,
        notes=tuple(show_note(notes[row.pk], texts=texts, people=people) for row in rows),
        internal=any(row.internal for row in whole),
        system=first.system,
        position=positions.find(notes[first.pk]) if first.pk in notes else None,
        begins_at=None if rows[0] == first else first.pk,
    )


def show_note(note: Note, *, texts: PageTexts, people: ExternalPeople) -> ShownNote:
    return ShownNote(
        id=note.pk,
        author=_author_name(note, people),
        address=people.show_address(note.external_author),
        body=_show_body(note, texts=texts, people=people),
        quoted=people.show_text(hide_secrets(note.quoted)),
        internal=note.internal,
        system=note.system,
        created_at=note.created_at,
        uploads=find_unlinked(note.uploads.all(), note.body),
    )


def _show_body(note: Note, *, texts: PageTexts, people: ExternalPeople) -> SafeString:
    """Texts of people are shown as they are; a system note may name external participants."""
    if not note.system:
        return texts.show(note)
    return conditional_escape(people.show_text(note.body))


def find_unlinked(uploads: Iterable[Upload], text: str) -> tuple[Upload, ...]:
    """The files that the text does not link: the others are shown where it refers to them."""
    return tuple(upload for upload in uploads if f"/uploads/{upload.secret}/" not in text)


def _address(source: Item | Note) -> str:
    """Of its author, where that is a person without an account."""
    return "" if isinstance(source, MergeRequest) else source.external_author


def _author_name(source: Item | Note, people: ExternalPeople) -> str:
    if address := _address(source):
        return people.show(address)
    return str(source.author) if source.author else gettext("somebody whose account is gone")


def _is_subscribed(item: Item, reader: Person, notes: Iterable[NoteRow]) -> bool:
    """Their own choice if they made one, else whether they participate."""
    if not isinstance(reader, User):
        return False
    choice = Subscription.objects.filter(user=reader, **{item.COLUMN: item}).first()
    if choice is not None:
        return choice.subscribed
    writers = {item.author_id, *(note.author_id for note in notes)}
    return reader.pk in writers or reader in item.assignees.all()
