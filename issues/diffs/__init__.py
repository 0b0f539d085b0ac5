"""What a merge request changes, as its page and mails show it: files, lines, colours."""

from issues.diffs.excerpts import excerpt_of, find_line
from issues.diffs.reading import find_diff
from issues.diffs.types import ChangedFile, Diff, Hunk, Line, Side

__all__ = [
    "ChangedFile",
    "Diff",
    "Hunk",
    "Line",
    "Side",
    "excerpt_of",
    "find_diff",
    "find_line",
]
