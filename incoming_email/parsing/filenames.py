"""A label for an attachment: never a path, never a control character, never empty."""

import re
import unicodedata
from mimetypes import MimeTypes

MAX_LENGTH = 200
"""Characters; the ending is kept when a name is cut."""

MAX_ENDING = 20

_BUILT_IN = MimeTypes()
_BUILT_IN_MAP = _BUILT_IN.types_map_inv[True]
_OWN_NAMES = {
    "message/rfc822": "message.eml",
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
    name = "".join(char for char in name if unicodedata.category(char) != "Cf")
    name = " ".join(name.split()).lstrip(". ")
    if not name:
        return _made_name(content_type, number)
    return _shorten(name)


def _shorten(name: str) -> str:
    if len(name) <= MAX_LENGTH:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > MAX_ENDING:
        return name[:MAX_LENGTH]
    return stem[: MAX_LENGTH - len(ending) - 1] + dot + ending


def _made_name(content_type: str, number: int) -> str:
    if content_type in _OWN_NAMES:
        return _OWN_NAMES[content_type]
    built_in = _BUILT_IN_MAP.get(content_type, [".bin"])[0]
    return f"attachment-{number}{_OWN_ENDINGS.get(content_type, built_in)}"
