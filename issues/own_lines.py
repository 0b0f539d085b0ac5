"""Which lines of a Markdown text are its author's own: not code, and not quoted."""

import re
from collections.abc import Iterable, Iterator

FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})")
QUOTE = re.compile(r" {0,3}>")
INDENTED = re.compile(r"(?: {4}|\t)")


def find_own_lines(lines: Iterable[str]) -> Iterator[bool]:
    """One answer a line. A fence that is never closed holds all that follows, as in Markdown."""
    fence = ""
    for line in lines:
        found = FENCE.match(line)
        if fence:
            yield False
            if found and found["mark"].startswith(fence) and not line.strip(" `~"):
                fence = ""
        elif found:
            yield False
            fence = found["mark"]
        else:
            yield not QUOTE.match(line) and not INDENTED.match(line)
