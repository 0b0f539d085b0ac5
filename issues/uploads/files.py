"""A file that came with a text, under a name that is safe everywhere."""

import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from django.utils.crypto import salted_hmac

MAX_NAME_BYTES = 255
MAX_EXTENSION_BYTES = 20
SECRET_DIGITS = 32

inline_types = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Shown in the page. All else is a download: SVG and HTML can carry script."""

_OTHER_NAMES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])[ .]*(?:\.|$)", re.IGNORECASE
)
"""Devices of Windows, which no file there can be named after, whatever its extension."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that came with a text.

    `source` is the permanent name of the cause (`inbound-42-0`): the same source results in the
    same path on disk, so that repeating it changes nothing. `content_id` is what `cid:` refers to.
    """

    filename: str
    content_type: str
    content: bytes
    source: str
    content_id: str = ""
    inline: bool = False
    """Meant to be shown in the text, as a logo is, not to be handed over."""

    is_old: bool = False
    """Only the part that was cut from the text refers to it: a quote, or a signature."""

    @property
    def secret(self) -> str:
        """The unguessable folder: a keyed digest (HMAC-SHA256) of the source."""
        digest = salted_hmac("issues.uploads", self.source, algorithm="sha256").hexdigest()
        return digest[:SECRET_DIGITS]

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal digits."""
        return sha256(self.content).hexdigest()

    @property
    def name(self) -> str:
        return safe_name(self.filename)

    @property
    def type(self) -> str:
        """The content type by its registered name."""
        given = self.content_type.lower()
        return _OTHER_NAMES.get(given, given)

    @property
    def address(self) -> str:
        return address_of(self.secret, self.name)

    @property
    def is_inline_picture(self) -> bool:
        """Drawn by the markup, as logos and quoted screenshots are."""
        return self.inline and bool(self.content_id) and self.type.startswith("image/")


def address_of(secret: str, name: str) -> str:
    return f"/uploads/{secret}/{quote(name)}"


def safe_name(name: str) -> str:
    """A label fit for a path and a page: no folder, no control, bidi or invisible character.

    Never empty, a dot file or a device of Windows; at most 255 bytes of UTF-8 with the extension
    kept.
    """
    # Categories: Cc control, Cf format (bidi, zero-width), Cs surrogate, Zl and Zp separators.
    visible = "".join(
        char for char in name if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    parts = [part.strip() for part in re.split(r"[/\\]", visible)]
    label = next((part for part in reversed(parts) if part), "").lstrip(". ").rstrip(". ")
    if _RESERVED.match(label):
        label = f"_{label}"
    return _shorten(label or "file")


def _shorten(label: str) -> str:
    if len(label.encode()) <= MAX_NAME_BYTES:
        return label
    stem, dot, extension = label.rpartition(".")
    if not dot or len(extension.encode()) > MAX_EXTENSION_BYTES:
        stem, dot, extension = label, "", ""
    room = MAX_NAME_BYTES - len(f"{dot}{extension}".encode())
    cut = stem.encode()[:room].decode(errors="ignore").rstrip(". ")
    return cut + dot + extension
