"""HTML that is kept in the row of its text, and known to be of this text and by this renderer.

What is kept begins with a line that names both, so it counts no more after an edit, however that
was made, or after an upgrade. It depends on nothing else: not on who reads it, nor in which
language.
"""

import hashlib
from importlib.metadata import version

from django.utils.safestring import SafeString

from issues.rendering.rendering import fill_in, render_page

FORMAT = 1
"""To be counted up with each change of ours by which a text gets other HTML."""

RENDERER = f"{FORMAT}, comrak {version('comrak-ext')}, nh3 {version('nh3')}"
"""Another nh3 may take out what this one leaves in."""

MAX_BYTES = 100_000
"""Of text that is rendered while somebody waits, for the worst of which 0.2 s are needed."""


def count_bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def make(text: str) -> str:
    """What to keep for this text; up to half a second for the worst."""
    return f"{_name(text)}\n{render_page(text)}"


def renew(kept: str | None, text: str) -> str | None:
    """The same, in a bounded time: what is kept already, and None for a text above MAX_BYTES."""
    if kept is not None and _is_of(kept, text):
        return kept
    return make(text) if count_bytes(text) <= MAX_BYTES else None


def find(kept: str | None, text: str) -> SafeString | None:
    """For a page: the HTML of this text, where it is kept."""
    if kept is None or not _is_of(kept, text):
        return None
    return fill_in(kept.partition("\n")[2])


def _is_of(kept: str, text: str) -> bool:
    return kept.startswith(f"{_name(text)}\n")


def _name(text: str) -> str:
    return hashlib.sha256(f"{RENDERER}\n{text}".encode(errors="replace")).hexdigest()
