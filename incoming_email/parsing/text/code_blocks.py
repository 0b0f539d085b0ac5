"""Finds the lines of a text that are code: within a Markdown fence or a diff."""

import re
from collections.abc import Iterator, Sequence

_HUNK = re.compile(r"@@ -\d+(?:,(\d{1,6}))? \+\d+(?:,(\d{1,6}))? @@")
_FENCE = re.compile(r"[ ]{0,12}(?:[-*+] |\d{1,3}\. )?(`{3,}|~{3,})")
_SIGNS = frozenset(" +-\\")


def find_code_lines(lines: Sequence[str]) -> Iterator[int]:
    """Numbers of the lines, some perhaps twice."""
    yield from _find_fenced(lines)
    yield from _find_diff(lines)


def _find_fenced(lines: Sequence[str]) -> Iterator[int]:
    """Fences that are closed; an open one is text, or it would swallow the quote below."""
    opened, fence = 0, ""
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if found is None:
            continue
        if not fence:
            opened, fence = number, found[1]
        elif found[1].startswith(fence) and not line[found.end() :].strip():
            yield from range(opened, number + 1)
            fence = ""


def _find_diff(lines: Sequence[str]) -> Iterator[int]:
    """Each hunk for as many lines as its '@@' line says, so that '-- ' below a patch ends it."""
    old = new = 0
    for number, line in enumerate(lines):
        if old > 0 or new > 0:
            sign = line[:1]
            if sign and sign not in _SIGNS:
                old = new = 0
            else:
                old -= sign in {" ", "-", ""}
                new -= sign in {" ", "+", ""}
                yield number
                continue
        found = _HUNK.match(line)
        if found:
            old, new = (int(count) if count else 1 for count in found.groups())
            yield number
