"""The lines that a comment on a line is about."""

from issues.diffs.types import ChangedFile, Hunk, Line, Side

LINES_ABOVE = 3


def find_line(file: ChangedFile, *, side: Side, number: int) -> tuple[Hunk, int] | None:
    """The hunk that shows the line, and which of its lines it is."""
    for hunk in file.hunks:
        for index, line in enumerate(hunk.lines):
            if line.side is side and line.number == number:
                return hunk, index
    return None


def excerpt_of(hunk: Hunk, index: int) -> str:
    """The line of the hunk at `index` and up to three above it, each with its mark in a diff."""
    return "\n".join(map(_write, hunk.lines[max(0, index - LINES_ABOVE) : index + 1]))


def _write(line: Line) -> str:
    return f"{line.mark}{line.text}"
