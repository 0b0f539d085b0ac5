"""Text of a diff as HTML: escaped, in colours, and with letters that nobody sees made visible."""

import re
from collections.abc import Iterable, Sequence

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

LOOK = re.compile(r"[a-z][a-z0-9]{0,3}")
# Directions can make code read otherwise than it runs (CVE-2021-42574); the others hide in words.
UNSEEN = {
    *range(0x09),
    *range(0x0A, 0x20),
    *range(0x7F, 0xA0),
    *(0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
}
NAMED = {code: f'<span class="unseen">U+{code:04X}</span>' for code in UNSEEN}
Piece = tuple[str, str]
"""CSS class (may be empty) and text."""


def show_text(text: str) -> SafeString:
    return mark_safe(escape(text).translate(NAMED))  # noqa: S308  (escaped first)


def show_pieces(pieces: Iterable[Piece]) -> SafeString:
    parts = (_show_piece(look, text) for look, text in pieces)
    return mark_safe("".join(parts))  # noqa: S308  (each part is escaped)


def _show_piece(look: str, text: str) -> str:
    shown = show_text(text)
    return f'<span class="{look}">{shown}</span>' if LOOK.fullmatch(look) and text else shown


def is_same(pieces: Sequence[Piece], text: str) -> bool:
    """Whether the pieces are the text, no more and no less."""
    return "".join(piece for _look, piece in pieces) == text
