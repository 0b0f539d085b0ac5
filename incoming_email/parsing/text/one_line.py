"""Text as one line without control characters."""

import re

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile(r"[\u202a-\u202e\u2066-\u2069\ufeff]")
"""Bidi embeddings, overrides and isolates: they make a name read as another."""


def clean(text: str) -> str:
    """One line without controls: CR and LF of an encoded-word would start a field of ours (X11)."""
    if text.isprintable():  # as most is: none of both is in it
        return text.strip()
    return _CONTROLS.sub(" ", _INVISIBLE.sub("", text.replace("\0", ""))).strip()
