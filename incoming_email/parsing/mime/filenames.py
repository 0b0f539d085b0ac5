"""A label for an attachment: never a path, a control character or a device, never empty."""

import re
import unicodedata
from mimetypes import MimeTypes

MAX_BYTES = 255
"""Of UTF-8, which file systems count; the ending is kept when a name is cut."""

MAX_ENDING_BYTES = 20

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that nobody sees: controls, bidi marks, half surrogate pairs."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9])[ .]*(?:\.|$)", re.IGNORECASE)
"""Devices of Windows, which no file there can be named after, whatever its ending."""

_BUILT_IN = MimeTypes()
_BUILT_IN_MAP = _BUILT_IN.types_map_inv[True]
_MESSAGES = {"message/rfc822", "message/global"}
_OWN_NAMES = {
    "message/rfc822": "message.eml",
    "message/global": "message.eml",
    "text/calendar": "invite.ics",
    "application/pkcs7-mime": "smime.p7m",
    "application/ms-tnef": "winmail.dat",
}
_OWN_ENDINGS = {
    "text/plain": ".txt",
    "image/jpeg": ".jpg",
    "text/html": ".html",
    "text/x-patch": ".patch",
    "text/x-diff": ".diff",
    "message/delivery-status": ".txt",
    "message/disposition-notification": ".txt",
    "text/rfc822-headers": ".txt",
}


def safe_filename(given: str, content_type: str, number: int) -> str:
    """The base name of what the sender gave; if nothing is left, one made from the type."""
    name = re.split(r"[/\\]", given)[-1]
    name = " ".join(name.split())
    name = "".join(char for char in name if unicodedata.category(char) not in _HIDDEN)
    name = name.lstrip(". ").rstrip(". ")
    if not name:
        return _made_name(content_type, number)
    if content_type in _MESSAGES and not name.lower().endswith(".eml"):
        name += ".eml"  # Outlook names an attached message by its subject alone
    return _shorten(f"_{name}" if _RESERVED.match(name) else name)


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > MAX_ENDING_BYTES:
        stem, dot, ending = name, "", ""
    room = MAX_BYTES - len(f"{dot}{ending}".encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + dot + ending


def _made_name(content_type: str, number: int) -> str:
    if content_type in _OWN_NAMES:
        return _OWN_NAMES[content_type]
    built_in = _BUILT_IN_MAP.get(content_type, [".bin"])[0]
    return f"attachment-{number}{_OWN_ENDINGS.get(content_type, built_in)}"
