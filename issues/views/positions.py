"""Lines of a diff that discussions are about, as a page shows them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString

from issues import diffs
from issues.diffs import Anchor, Diff, Side
from issues.models import MergeRequest, Note, NotePosition
from issues.permissions import Item
from issues.views.versions import changes_url


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    mark: str
    html: SafeString


@dataclass(frozen=True, slots=True)
class ShownPosition:
    row: NotePosition
    path: SafeString
    number: int
    is_old: bool
    """The line was removed, so the number counts in the file as it was."""

    lines: tuple[ExcerptLine, ...]
    url: str
    """Of the line in the newest version; empty where that has the line no more."""


@dataclass(frozen=True, slots=True)
class ShownPositions:
    """All positions of an item, each by the note that it belongs to."""

    by_note: dict[int, ShownPosition]

    def find(self, note: Note) -> ShownPosition | None:
        return self.by_note.get(note.pk)


def show_positions(item: Item, notes: Iterable[Note]) -> ShownPositions:
    """No query, and no diff is read, where no note is about a line."""
    positions = [found for note in notes if (found := position_of(note)) is not None]
    if not positions or not isinstance(item, MergeRequest):
        return ShownPositions({})
    newest = item.versions.order_by("-number").first()
    diff = Diff()
    if newest is not None:
        diff = diffs.find_diff(item.project, base=newest.base_sha, head=newest.head_sha)
    return ShownPositions({found.note_id: _show(found, item, diff) for found in positions})


def position_of(note: Note) -> NotePosition | None:
    """Of a note that was read together with its position."""
    found: NotePosition | None = getattr(note, "position", None)
    return found


def find_anchor(position: NotePosition, diff: Diff) -> Anchor | None:
    """The position of the line in this diff; None where the file has other content there."""
    found = diffs.find_file(diff, position.path, position.blob)
    if found is None:
        return None
    file, side = found
    number = position.old_line if side is Side.OLD else position.new_line
    anchor = Anchor(diffs.name_file(file.path), side, number or 0)
    shown = diffs.find_line(file, side=side, number=anchor.number)
    return anchor if shown is not None else None


def _show(position: NotePosition, item: MergeRequest, diff: Diff) -> ShownPosition:
    anchor = find_anchor(position, diff)
    lines = (
        ExcerptLine(line[:1], diffs.show_text(line[1:])) for line in position.excerpt.split("\n")
    )
    return ShownPosition(
        row=position,
        path=diffs.show_text(position.path),
        number=position.number,
        is_old=position.new_line is None,
        lines=tuple(lines),
        url="" if anchor is None else f"{changes_url(item)}#{anchor}",
    )
