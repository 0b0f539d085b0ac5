"""The names that a text calls with @, outside code and quotes."""

import re

MAX_MENTIONS = 50
"""More than this in one text is a mistake or an attack; the rest is plain text."""

FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})")
QUOTE = re.compile(r" {0,3}>")
INDENTED = re.compile(r"(?: {4}|\t)")
CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`{1,9})(?!`).{1,2000}?(?<!`)(?P=ticks)(?!`)")
NAME = re.compile(r"(?<![\w@/.+\\-])@(?P<name>\w(?:[\w.+-]{0,148}\w)?)")


def parse_mentions(text: str) -> frozenset[str]:
    """Lower-case names in the person's own words, at most MAX_MENTIONS."""
    names: dict[str, None] = {}
    for line in _own_lines(text):
        for match in NAME.finditer(CODE_SPAN.sub(" ", line)):
            names.setdefault(match["name"].lower())
            if len(names) == MAX_MENTIONS:
                return frozenset(names)
    return frozenset(names)


def _own_lines(text: str) -> list[str]:
    fence = ""
    lines = []
    for line in text.splitlines():
        match = FENCE.match(line)
        if fence:
            if match and match["mark"].startswith(fence) and not line.strip(" `~"):
                fence = ""
        elif match:
            fence = match["mark"]
        elif not QUOTE.match(line) and not INDENTED.match(line):
            lines.append(line)
    return lines
