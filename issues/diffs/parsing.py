"""The output of `git diff --raw --numstat --patch -z` as values. Pure; takes any bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from issues.diffs.types import Change, ChangedFile, Diff, Hunk, Line

META_WORDS = 5
NEXT_FILE = b"\ndiff --git "
"""Lines of content begin with a space, plus, minus or backslash, so this is never content."""

HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
UNENDED = b"\\"


@dataclass(frozen=True, slots=True)
class DiffLimits:
    """What exceeds them is left out and marked."""

    files: int
    lines: int
    file_lines: int
    line_length: int
    """Characters."""


def parse_diff(out: bytes, limits: DiffLimits) -> Diff:
    tokens = _Tokens(out)
    files = list(_read_raw(tokens))
    counts = [_read_counts(tokens) for _file in files]
    sections = _split_sections(out, tokens.position)
    room = limits.lines
    shown = []
    for file, (added, removed) in zip(files[: limits.files], counts, strict=False):
        counted = replace(file, added=added or 0, removed=removed or 0, is_binary=added is None)
        mine = [next(sections, b"") for _half in range(2 if file.change is Change.RETYPED else 1)]
        whole = _fill(counted, mine, limits, min(room, limits.file_lines))
        room -= sum(len(hunk.lines) for hunk in whole.hunks)
        shown.append(whole)
    return Diff(files=tuple(shown), hidden_files=max(0, len(files) - limits.files))


class _Tokens:
    """Fields that end with NUL, read one after the other."""

    def __init__(self, out: bytes) -> None:
        self.out = out
        self.position = 0

    def next(self) -> str:
        end = self.out.find(b"\0", self.position)
        end = len(self.out) if end < 0 else end
        token = self.out[self.position : end]
        self.position = end + 1
        return token.decode(errors="replace")

    def starts_with(self, letter: bytes) -> bool:
        return self.out.startswith(letter, self.position)


def _read_raw(tokens: _Tokens) -> Iterator[ChangedFile]:
    """`:<mode> <mode> <blob> <blob> <letter>`, then one name, or two of a rename or copy."""
    while tokens.starts_with(b":"):
        words = tokens.next()[1:].split(" ")
        if len(words) != META_WORDS or words[4][:1] not in list(Change):
            return
        old_mode, new_mode, old_blob, new_blob, letter = words
        change = Change(letter[:1])
        old_path = path = tokens.next()
        if change in {Change.RENAMED, Change.COPIED}:
            path = tokens.next()
        yield ChangedFile(
            change=change,
            path=path,
            old_path=old_path,
            old_mode=old_mode,
            new_mode=new_mode,
            old_blob=old_blob,
            new_blob=new_blob,
            added=0,
            removed=0,
            is_binary=False,
        )


def _read_counts(tokens: _Tokens) -> tuple[int | None, int | None]:
    """`<added>\\t<removed>\\t<name>`; dashes for a binary file, two more names for a rename."""
    added, _tab, rest = tokens.next().partition("\t")
    removed, _tab, name = rest.partition("\t")
    if not name:
        tokens.next()
        tokens.next()
    if not (added.isdecimal() and removed.isdecimal()):
        return None, None
    return int(added), int(removed)


def _split_sections(out: bytes, start: int) -> Iterator[bytes]:
    """The part of each file, without the line that names it."""
    position = out.find(NEXT_FILE[1:], start)
    while position >= 0:
        end = out.find(NEXT_FILE, position)
        yield out[position : end + 1 if end >= 0 else len(out)]
        position = end + 1 if end >= 0 else -1


def _fill(file: ChangedFile, sections: list[bytes], limits: DiffLimits, room: int) -> ChangedFile:
    hunks: list[Hunk] = []
    is_cut = False
    for section in sections:
        position = section.find(b"\n@@ ") + 1
        while position and not is_cut:
            hunk, position, is_cut = _read_hunk(section, position, limits, room)
            room -= len(hunk.lines)
            if hunk.lines:
                hunks.append(hunk)
    missing = file.added + file.removed > 0 and not hunks and not file.is_binary
    return replace(file, hunks=tuple(hunks), is_cut=is_cut or missing)


def _read_hunk(
    section: bytes, position: int, limits: DiffLimits, room: int
) -> tuple[Hunk, int, bool]:
    """The hunk, where the next one begins (0: nowhere), and whether lines were left out."""
    end = _end_of_line(section, position)
    heading = section[position:end]
    found = HUNK.match(heading)
    if found is None:
        return Hunk("", ()), 0, True
    old, new = int(found[1]), int(found[3])
    lines: list[Line] = []
    position = end + 1
    while position < len(section) and not section.startswith(b"@@ ", position):
        end = _end_of_line(section, position)
        if section.startswith(UNENDED, position):
            lines[-1:] = [replace(line, is_unended=True) for line in lines[-1:]]
        elif len(lines) >= room:
            return Hunk(_decode(heading, limits)[0], tuple(lines)), 0, True
        else:
            line = _read_line(section[position:end], old, new, limits)
            old, new = old + (line.old is not None), new + (line.new is not None)
            lines.append(line)
        position = end + 1
    following = position if position < len(section) else 0
    return Hunk(_decode(heading, limits)[0], tuple(lines)), following, False


def _read_line(line: bytes, old: int, new: int, limits: DiffLimits) -> Line:
    text, is_cut = _decode(line[1:], limits)
    mark = line[:1]
    return Line(
        old=None if mark == b"+" else old,
        new=None if mark == b"-" else new,
        text=text,
        is_cut=is_cut,
    )


def _end_of_line(section: bytes, position: int) -> int:
    end = section.find(b"\n", position)
    return len(section) if end < 0 else end


def _decode(line: bytes, limits: DiffLimits) -> tuple[str, bool]:
    """At most four bytes are one character (RFC 3629)."""
    most = limits.line_length
    text = line[: most * 4].decode(errors="replace")
    return text[:most], len(text) > most or len(line) > most * 4
