"""Escapes text, so that what looks like Markdown, a mention or a quick action has no effect."""

import re

from incoming_email.parsing.text.marks import STAND_INS

_URL = re.compile(r"(https?://[^\s<>\"'()\[\]`*\\|]+)", re.IGNORECASE)
_SPECIAL = re.compile(
    r"[*`\[\]<>\\]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # within a word an underscore is no emphasis in GFM
    r"|~(?=~)|(?<=~)~"
    r"|&(?=#?\w{1,31};)"
    r"|(?<![\w.+-])@(?=\w)"
)
_LINE_START = re.compile(
    r"^([\s\u200b-\u200f\u2060\ufeff]*)(?:([#+\-=~|:>]|/(?=[A-Za-z]|$))|(\d{1,9})([.)](?=\s|$)))"
)


def mark_text(text: str, *, line_start: bool) -> str:
    """`text` with a stand-in of `marks` for each character that would have an effect; links are
    left whole.

    `line_start`: whether the text may be first in a line, where more characters have an effect.
    """
    pieces = _URL.split(text)
    for at in range(0, len(pieces), 2):
        pieces[at] = _SPECIAL.sub(_stand_in, pieces[at])
    marked = "".join(pieces)
    return _LINE_START.sub(_marked_start, marked) if line_start else marked


def _stand_in(found: re.Match[str]) -> str:
    return STAND_INS[found[0]]


def _marked_start(found: re.Match[str]) -> str:
    if found[2]:
        return found[1] + STAND_INS[found[2]]
    return found[1] + found[3] + STAND_INS[found[4]]
