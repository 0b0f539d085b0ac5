"""The container `winmail.dat`, in which Outlook and Exchange wrap body and files (MS-OXTNEF).

A stream of attributes; some hold blocks of MAPI properties. Nothing is copied but what is wanted,
and no count in the bytes is believed: the time is linear in the length, whatever they say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from mimetypes import MimeTypes

from incoming_email.parsing.formats.mapi import BrokenTnef, Properties, read_number, read_properties
from incoming_email.parsing.formats.rtf import decompress_rtf, read_rtf
from incoming_email.parsing.text import charsets

SIGNATURE = bytes.fromhex("789f3e22")
_HEADER_BYTES = 6
_ATTRIBUTE_BYTES = 11
"""Level, id and length before the data, and the check sum behind it."""

_MESSAGE, _ATTACHMENT = 1, 2
_BODY, _MESSAGE_PROPERTIES, _CODEPAGE = 0x800C, 0x9003, 0x9007
_RENDERING, _TITLE, _FILE, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005

_SUBJECT, _TEXT, _RTF, _HTML, _INTERNET_CODEPAGE = 0x0037, 0x1000, 0x1009, 0x1013, 0x3FDE
_DATA, _SHORT_NAME, _LONG_NAME, _MIME_TYPE, _CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712
_DISPLAY_NAME = 0x3001
_INTERFACE_BYTES = 16
_EMBEDDED_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")
"""IID_IMessage: the data of the file is a message in TNEF again."""

_OCTETS = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_BUILT_IN = MimeTypes()
_UTF_8, _ASCII, _LATIN = 65001, 20127, range(28591, 28606)
_LABELS = {936: "gb18030", 20866: "koi8-r", 21866: "koi8-u", 50220: "iso-2022-jp", 51932: "euc-jp",
           50221: "iso-2022-jp", 50222: "iso-2022-jp", 51949: "euc-kr", 54936: "gb18030",
           _UTF_8: "utf-8", _ASCII: "us-ascii"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TnefFile:
    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class TnefMessage:
    body: str = ""
    body_type: str = "text/plain"
    files: tuple[TnefFile, ...] = ()
    is_whole: bool = True
    """Nothing but line ends and padding follows the last attribute that could be read."""


@dataclass(slots=True)
class _Draft:
    """What the attributes of one file, or of the message, have yielded so far."""

    plain: dict[int, bytes] = field(default_factory=dict)
    properties: Properties = field(default_factory=Properties)


def parse_tnef(data: bytes, *, depth: int, most: int = 500) -> TnefMessage | None:
    """None where the bytes are no whole container, or one of more than `most` files.

    `depth` levels of attached messages are opened.
    """
    try:
        return _read_message(data, depth, most)
    except BrokenTnef:
        return None


def _read_message(data: bytes, depth: int, most: int) -> TnefMessage:
    if not data.startswith(SIGNATURE) or len(data) < _HEADER_BYTES:
        raise BrokenTnef
    message, drafts = _Draft(), list[_Draft]()
    last = _HEADER_BYTES
    for level, name, start, end in _attributes(data):
        if level == _ATTACHMENT and (name == _RENDERING or not drafts):
            if len(drafts) == most:
                raise BrokenTnef
            drafts.append(_Draft())
        draft = message if level == _MESSAGE else drafts[-1]
        if name in {_MESSAGE_PROPERTIES, _FILE_PROPERTIES}:
            draft.properties = read_properties(data, start, end)
        elif name in {_BODY, _CODEPAGE, _TITLE, _FILE}:
            draft.plain[name] = data[start:end]
        last = end + 2
    label = find_label(int.from_bytes(message.plain.get(_CODEPAGE, b"")[:4], "little"))
    files = tuple(file for draft in drafts for file in _read_file(draft, label, depth, most))
    body, body_type = _read_body(message, label)
    return TnefMessage(body, body_type, files, is_whole=not data[last:].strip(b"\0\r\n "))


def _attributes(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Level, name, start and end of each, up to bytes that begin none."""
    at = _HEADER_BYTES
    while at < len(data) and data[at] in {_MESSAGE, _ATTACHMENT}:
        start = at + _ATTRIBUTE_BYTES - 2
        end = start + read_number(data, at + 5, 4)
        if end > len(data):  # the last check sum may be missing; nobody needs it
            raise BrokenTnef
        yield data[at], read_number(data, at + 1, 2), start, end
        at = end + 2


def find_label(codepage: int) -> str:
    """The name of a code page of Windows; Western where it has none."""
    if codepage in _LATIN:
        return f"iso-8859-{codepage - _LATIN.start + 1}"
    label = _LABELS.get(codepage, f"cp{codepage}")
    return label if charsets.find_codec(label) else "cp1252"


def _decode(data: bytes, label: str) -> str:
    return charsets.decode(data, label)[0].rstrip("\0")


def _read_body(message: _Draft, label: str) -> tuple[str, str]:
    """HTML before text before RTF, which most of the time is one of the two in disguise."""
    properties = message.properties
    internet = properties.number(_INTERNET_CODEPAGE)
    if html := properties.find(_HTML):
        given = find_label(internet) if internet else label
        return html.text or _decode(html.raw, given), "text/html"
    if text := properties.find(_TEXT):
        return text.text or _decode(text.raw, label), "text/plain"
    if _BODY in message.plain:
        return _decode(message.plain[_BODY], label), "text/plain"
    compressed = properties.find(_RTF)
    return read_rtf(decompress_rtf(compressed.raw)) if compressed else ("", "text/plain")


def _read_file(draft: _Draft, label: str, depth: int, most: int) -> Iterator[TnefFile]:
    """One file; of an attached message its files and, as a file, its text."""
    properties = draft.properties
    object_ = properties.find(_DATA)
    content = draft.plain.get(_FILE, b"")
    if object_:
        content = object_.raw
        if object_.is_object:
            inner = content[_INTERFACE_BYTES:]
            if content.startswith(_EMBEDDED_MESSAGE) and depth > 0:
                message = _read_message(inner, depth - 1, most)
                yield from _make_files(message, inner, _find_name(draft, label))
                return
            content = inner
    name = _find_name(draft, label)
    given = _text(properties, _MIME_TYPE, label).lower()
    guessed = _BUILT_IN.guess_type(name)[0] or _OCTETS
    content_type = given if _TYPE.fullmatch(given) else guessed
    yield TnefFile(name, content_type, content, _text(properties, _CONTENT_ID, label))


def _make_files(message: TnefMessage, data: bytes, name: str) -> Iterator[TnefFile]:
    ending = ".html" if message.body_type == "text/html" else ".txt"
    if message.body.strip():
        yield TnefFile(
            (name or "message") + ending, message.body_type, message.body.encode(errors="replace")
        )
    elif not message.files:
        yield TnefFile((name or "message") + ".tnef", _OCTETS, data)
    yield from message.files


def _find_name(draft: _Draft, label: str) -> str:
    named = (_text(draft.properties, tag, label) for tag in (_LONG_NAME, _SHORT_NAME))
    title = _decode(draft.plain.get(_TITLE, b""), label)
    return next(filter(None, (*named, title, _text(draft.properties, _DISPLAY_NAME, label))), "")


def _text(properties: Properties, tag: int, label: str) -> str:
    found = properties.find(tag)
    return (found.text or _decode(found.raw, label)) if found else ""
