"""Placeholders in texts to customers: `%{ISSUE_ID}`, blanks inside allowed."""

import re
from collections.abc import Mapping

NAMES = frozenset(
    {
        *("ISSUE_ID", "ISSUE_PATH", "ISSUE_URL", "ISSUE_DESCRIPTION", "NOTE_TEXT"),
        *("UNSUBSCRIBE_URL", "SYSTEM_HEADER", "SYSTEM_FOOTER", "ADDITIONAL_TEXT"),
    }
)
IN_CANNED_REPLIES = NAMES - {"NOTE_TEXT", "UNSUBSCRIBE_URL"}
"""Known when a member writes: the text becomes a note, which goes to several people."""

WORDS_OF_OTHERS = frozenset({"ISSUE_DESCRIPTION", "NOTE_TEXT"})
"""What these stand for was written by people, most often outside; the rest is ours."""

PLACEHOLDER = re.compile(r"%\{[ \t]{0,20}(?P<name>[A-Za-z_]{1,50})[ \t]{0,20}\}")


def find_unknown(text: str, *, known: frozenset[str] = NAMES) -> list[str]:
    """Unknown names, each once, in the order of the text."""
    names = (match["name"] for match in PLACEHOLDER.finditer(text))
    return list(dict.fromkeys(name for name in names if name not in known))


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Every placeholder once: what a value holds is never read as a placeholder."""
    return PLACEHOLDER.sub(lambda match: values.get(match["name"], match[0]), text)
