"""The decoded content of every leaf: bytes for files, text for what can be a body."""

import re
from dataclasses import dataclass, field

from incoming_email.parsing.limits import Limits
from incoming_email.parsing.mime.bodies import is_text_leaf
from incoming_email.parsing.mime.structure import Part
from incoming_email.parsing.mime.transfer import decode_transfer
from incoming_email.parsing.text import charsets
from incoming_email.parsing.text.plain_text import clean_text, remove_armour, unfold_flowed

_META_CHARSET = re.compile(
    rb"<meta\b[^<>]{0,200}\bcharset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE
)
_SNIFFED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Contents:
    """By `id` of the part."""

    data: dict[int, bytes] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)


def decode_contents(root: Part, limits: Limits) -> Contents:
    """Leaves past the limit of decoded bytes come out empty, with a defect."""
    contents = Contents()
    left = limits.decoded_bytes
    for part in root.walk():
        if part.children:
            continue
        if part.end - part.start > left:
            contents.defects.append(f"more than {limits.decoded_bytes} bytes after decoding")
            contents.data[id(part)] = b""
            continue
        data, defect = decode_transfer(
            part.raw_body, part.headers.first("Content-Transfer-Encoding")
        )
        left -= len(data)
        contents.data[id(part)] = data
        if is_text_leaf(part):
            contents.texts[id(part)], text_defect = _decode_text(part, data)
            contents.defects.extend([text_defect] if text_defect else [])
        contents.defects.extend([defect] if defect else [])
    return contents


def _decode_text(part: Part, data: bytes) -> tuple[str, str | None]:
    parameters = part.content_type.parameters
    label = parameters.get("charset") or _sniff_charset(part, data)
    text, defect = charsets.decode(data, label)
    text = clean_text(text)
    if part.type == "text/html":
        return text, defect
    if parameters.get("format", "").lower() == "flowed":
        text = unfold_flowed(text, delete_space=parameters.get("delsp", "").lower() == "yes")
    return remove_armour(text), defect


def _sniff_charset(part: Part, data: bytes) -> str | None:
    """HTML may name its charset itself; a header that does wins (RFC 2854, 6)."""
    if part.type != "text/html":
        return None
    match = _META_CHARSET.search(data[:_SNIFFED_BYTES])
    return match[1].decode("ascii") if match else None
