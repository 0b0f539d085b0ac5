"""The names that a text mentions with @, outside code and quotes."""

import re
from itertools import compress

from issues.own_lines import find_own_lines

MAX_MENTIONS = 50
"""More than this in one text is a mistake or an attack; the rest is plain text."""

CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`{1,9})(?!`).{1,2000}?(?<!`)(?P=ticks)(?!`)")
NAME = re.compile(r"(?<![\w@/.+\\-])@(?P<name>\w(?:[\w.+-]{0,148}\w)?)")


def parse_mentions(text: str) -> frozenset[str]:
    """Lower-case names in the person's own text, at most MAX_MENTIONS."""
    names: dict[str, None] = {}
    lines = text.splitlines()
    for line in compress(lines, find_own_lines(lines)):
        for match in NAME.finditer(CODE_SPAN.sub(" ", line)):
            names.setdefault(match["name"].lower())
            if len(names) == MAX_MENTIONS:
                return frozenset(names)
    return frozenset(names)
