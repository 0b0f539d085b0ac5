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


def make(text: str) -> str:
    """What to keep for this text; up to half a second for the worst."""
    return f"{_name(text)}\n{render_page(text)}"


def find(kept: str | None, text: str) -> SafeString | None:
    """For a page: the HTML of this text, where it is kept."""
    if kept is None or not kept.startswith(f"{_name(text)}\n"):
        return None
    return fill_in(kept.partition("\n")[2])


def _name(text: str) -> str:
    return hashlib.sha256(f"{RENDERER}\n{text}".encode(errors="replace")).hexdigest()
