"""What a merge request changes, as its page and mails show it: commits, files, lines, colours."""

from issues.diffs.commits import Commits, find_commits
from issues.diffs.excerpts import find_line
from issues.diffs.letters import show_text
from issues.diffs.places import Anchor, LinePosition, find_file, find_position, name_file
from issues.diffs.reading import find_diff
from issues.diffs.types import Change, ChangedFile, Diff, Hunk, Line, Side

__all__ = [
    "Anchor",
    "Change",
    "ChangedFile",
    "Commits",
    "Diff",
    "Hunk",
    "Line",
    "LinePosition",
    "Side",
    "find_commits",
    "find_diff",
    "find_file",
    "find_line",
    "find_position",
    "name_file",
    "show_text",
]
