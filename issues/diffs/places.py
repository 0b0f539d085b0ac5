"""Names for lines of a diff, by which a page and a comment refer to one of them."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from issues.diffs.excerpts import excerpt_of, find_line
from issues.diffs.types import ChangedFile, Diff, Side

ANCHOR = re.compile(r"(?P<file>[0-9a-f]{16})-(?P<side>old|new)-(?P<number>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Anchor:
    """`<file>-<side>-<number>`: used in URLs, and as an id on the page."""

    file: str
    side: Side
    number: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        found = ANCHOR.fullmatch(text)
        return cls(found["file"], Side(found["side"]), int(found["number"])) if found else None

    def __str__(self) -> str:
        return f"{self.file}-{self.side}-{self.number}"


@dataclass(frozen=True, slots=True)
class LinePosition:
    """A line of a diff, with all that a comment on it must store."""

    base_sha: str
    head_sha: str
    old_path: str
    path: str
    old_line: int | None
    new_line: int | None
    blob: str
    excerpt: str


def name_file(path: str) -> str:
    """Short, and of characters that a URL allows."""
    return hashlib.sha256(path.encode(errors="replace")).hexdigest()[:16]


def find_file(diff: Diff, path: str, blob: str) -> tuple[ChangedFile, Side] | None:
    """The file, if the diff has it with this very content on one side."""
    for file in diff.files:
        for side in Side:
            if path == file.path and blob == file.blob(side):
                return file, side
    return None


def find_position(diff: Diff, anchor: Anchor, *, base: str, head: str) -> LinePosition | None:
    """None where the diff shows no such line."""
    for file in diff.files:
        if name_file(file.path) == anchor.file and (
            found := find_line(file, side=anchor.side, number=anchor.number)
        ):
            hunk, index = found
            line = hunk.lines[index]
            return LinePosition(
                base_sha=base,
                head_sha=head,
                old_path=file.old_path,
                path=file.path,
                old_line=line.old,
                new_line=line.new,
                blob=file.blob(anchor.side),
                excerpt=excerpt_of(hunk, index),
            )
    return None
