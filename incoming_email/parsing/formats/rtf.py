"""RTF bodies of Outlook: decompressed (MS-OXRTFCP), then read as HTML (MS-OXRTFEX) or as text.

One pass over words and groups; what styles is skipped. Linear, and never raises.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from incoming_email.parsing.text import charsets

MAX_BYTES = 4_000_000
"""Of decompressed RTF; text past it is not read."""

_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_WINDOW = 4096
_HEADER_BYTES = 16
_COMPRESSED, _STORED = b"LZFu", b"MELA"

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?"
    rb"|\\'(?P<byte>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z'])|(?P<brace>[{}])"
    rb"|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
_HIDDEN = frozenset({
    b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer",
    b"fldinst", b"listtable", b"listoverridetable", b"themedata", b"datastore", b"pntext",
})  # fmt: skip
"""Groups that hold no text of the message."""

_WORDS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"tab": "\t",
    b"cell": "\t", b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘", b"rquote": "’",
    b"ldblquote": "“", b"rdblquote": "”",
}  # fmt: skip
_SIGNS = {
    b"~": "\N{NO-BREAK SPACE}", b"_": "\N{NON-BREAKING HYPHEN}", b"{": "{", b"}": "}",
    b"\\": "\\", b"\n": "\n", b"\r": "\n",
}  # fmt: skip
_CODEPAGES = {
    128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250",
}  # fmt: skip
"""Of fonts, by `fcharset`; the others are in the code page of the whole."""

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HALVES = 0x10000


def decompress_rtf(data: bytes) -> bytes:
    """What can be read of it, where it is cut off or past the limit."""
    kind = data[8:12]
    if kind != _COMPRESSED:
        return data[_HEADER_BYTES : _HEADER_BYTES + MAX_BYTES] if kind == _STORED else b""
    window = bytearray(_DICTIONARY.ljust(_WINDOW, b" "))
    place = len(_DICTIONARY)
    out = bytearray()
    for offset, value in _references(data):
        if offset == place or len(out) >= MAX_BYTES:
            break
        for step in range(value if offset >= 0 else 1):
            byte = window[(offset + step) % _WINDOW] if offset >= 0 else value
            window[place] = byte
            place = (place + 1) % _WINDOW
            out.append(byte)
    return bytes(out)


def _references(data: bytes) -> Iterator[tuple[int, int]]:
    """Offset into the window and length, or -1 and a byte."""
    at = _HEADER_BYTES
    while at < len(data):
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                token = int.from_bytes(data[at : at + 2], "big")
                at += 2
                if at > len(data):
                    return
                yield token >> 4, (token & 15) + 2
            elif at < len(data):
                yield -1, data[at]
                at += 1


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds up to the end of the group."""

    hidden: bool = False
    is_tag: bool = False
    """The text is markup as it was."""

    is_copy: bool = False
    """RTF that only repeats the markup (`htmlrtf`)."""

    skip: int = 1
    """Characters behind a `u` word, for readers that don't know it."""

    font: int = -1


class _Reader:
    """Holds what is counted over the whole text."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.is_html = b"\\fromhtml1" in source[:_WINDOW]
        self.group = _Group()
        self.outer: list[_Group] = []
        self.pieces: list[str] = []
        self.bytes = bytearray()
        self.label = "cp1252"
        self.fonts: dict[int, str] = {}
        self.in_fonts = self.starred = False
        self.to_skip = 0

    def read(self) -> str:
        for token in _TOKEN.finditer(self.source):
            if token["brace"]:
                self.turn(token["brace"])
            elif token["word"]:
                self.take_word(token["word"].lower(), int(token["number"] or -1))
            elif token["sign"]:
                self.take_sign(token["sign"])
            elif token["byte"]:
                self.take_bytes(bytes.fromhex(token["byte"].decode("ascii")))
            else:
                self.take_bytes(token["text"])
        self.flush()
        text = "".join(self.pieces)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def turn(self, brace: bytes) -> None:
        self.flush()
        self.to_skip = 0
        if brace == b"{":
            self.outer.append(self.group)
        elif self.outer:
            self.group = self.outer.pop()

    def take_word(self, word: bytes, number: int) -> None:
        self.flush()
        starred, self.starred = self.starred, False
        if word in {b"ansicpg", b"f", b"fcharset"}:
            self.take_font(word, number)
        elif word == b"htmltag":
            self.group = replace(self.group, is_tag=True)
        elif word in _HIDDEN or starred:
            self.in_fonts = word == b"fonttbl"
            self.group = replace(self.group, hidden=True)
        elif word == b"htmlrtf":
            self.group = replace(self.group, is_copy=number != 0)
        elif word == b"uc":
            self.group = replace(self.group, skip=max(number, 0))
        elif word == b"u":
            self.put(chr(number % _HALVES))
            self.to_skip = self.group.skip
        else:
            self.put(_WORDS.get(word, ""))

    def take_font(self, word: bytes, number: int) -> None:
        if word == b"ansicpg" and charsets.find_codec(f"cp{number}"):
            self.label = f"cp{number}"
        elif word == b"f":
            self.group = replace(self.group, font=number)
        elif word == b"fcharset" and self.in_fonts and number in _CODEPAGES:
            self.fonts[self.group.font] = _CODEPAGES[number]

    def take_sign(self, sign: bytes) -> None:
        if sign == b"*":
            self.starred = True
        elif self.to_skip:
            self.to_skip -= 1
        else:
            self.flush()
            self.put(_SIGNS.get(sign, ""))

    def take_bytes(self, content: bytes) -> None:
        skipped = min(self.to_skip, len(content))
        self.to_skip -= skipped
        self.bytes += content[skipped:]

    def flush(self) -> None:
        """Bytes of a multi-byte code page belong together, so they wait for what ends them."""
        if self.bytes:
            label = self.fonts.get(self.group.font, self.label)
            content, self.bytes = bytes(self.bytes), bytearray()
            self.put(charsets.decode(content, label)[0])

    def put(self, text: str) -> None:
        if not text or self.group.hidden or (self.is_html and self.group.is_copy):
            return
        raw = not self.is_html or self.group.is_tag
        self.pieces.append(text if raw else text.translate(_MARKUP))


def read_rtf(source: bytes) -> tuple[str, str]:
    """The text and its type: `text/html` where the RTF wraps HTML, else `text/plain`."""
    reader = _Reader(source)
    return reader.read().strip("\0"), "text/html" if reader.is_html else "text/plain"
