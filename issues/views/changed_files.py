"""The files of a diff as the page shows them: each line with the discussions about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from issues import diffs
from issues.diffs import Anchor, Change, ChangedFile, Diff, Line
from issues.views.discussions import ShownDiscussion

EXECUTABLE = "100755"


@dataclass(frozen=True, slots=True)
class ShownLine:
    line: Line
    anchor: str
    discussions: tuple[ShownDiscussion, ...]
    is_written_on: bool
    """The form for a comment is shown below it."""

    @property
    def look(self) -> str:
        return {"+": "added", "-": "removed", " ": "same"}[self.line.mark]


@dataclass(frozen=True, slots=True)
class ShownHunk:
    heading: SafeString
    lines: tuple[ShownLine, ...]


@dataclass(frozen=True, slots=True)
class ShownFile:
    file: ChangedFile
    name: str
    """In addresses."""

    path: SafeString
    remarks: tuple[str, ...]
    """What happened besides changed lines: renamed, executable, binary…"""

    hunks: tuple[ShownHunk, ...]


@dataclass(frozen=True, slots=True)
class LineTalk:
    """A discussion, and the line it belongs to."""

    anchor: Anchor
    discussion: ShownDiscussion


def show_files(
    diff: Diff, *, talks: Iterable[LineTalk], written_on: Anchor | None
) -> tuple[ShownFile, ...]:
    by_anchor: dict[str, list[ShownDiscussion]] = {}
    for talk in talks:
        by_anchor.setdefault(str(talk.anchor), []).append(talk.discussion)
    return tuple(_show_file(file, by_anchor, str(written_on or "")) for file in diff.files)


def _show_file(
    file: ChangedFile, by_anchor: dict[str, list[ShownDiscussion]], written_on: str
) -> ShownFile:
    name = diffs.name_file(file.path)
    hunks = []
    for hunk in file.hunks:
        lines = []
        for line in hunk.lines:
            anchor = str(Anchor(name, line.side, line.number))
            talk = tuple(by_anchor.get(anchor, ()))
            lines.append(ShownLine(line, anchor, talk, is_written_on=anchor == written_on))
        hunks.append(ShownHunk(diffs.show_text(hunk.heading), tuple(lines)))
    path = diffs.show_text(file.path)
    return ShownFile(file, name, path, tuple(_describe(file)), tuple(hunks))


def _describe(file: ChangedFile) -> Iterator[str]:
    remarks = {
        Change.ADDED: _("new file"),
        Change.COPIED: _("copy of %(path)s"),
        Change.DELETED: _("deleted"),
        Change.RENAMED: _("renamed from %(path)s"),
        Change.RETYPED: _("changed its kind"),
    }
    if file.change in remarks:
        yield remarks[file.change] % {"path": file.old_path}
    yield from _describe_mode(file)
    if file.is_binary:
        yield _("binary file, which is not shown")
    elif not (file.added or file.removed) and file.change in {Change.ADDED, Change.DELETED}:
        yield _("empty")


def _describe_mode(file: ChangedFile) -> Iterator[str]:
    if file.has_new_mode:
        yield _("now executable") if file.new_mode == EXECUTABLE else _("no longer executable")
    elif file.change is Change.ADDED and file.new_mode == EXECUTABLE:
        yield _("executable")
    if file.is_link:
        yield _("symbolic link")
    if file.is_submodule:
        yield _("submodule")
