"""The header block of a message or part: fields as raw bytes, and their text.

Lines that are no fields (mbox `From `, lines broken by a gateway) are salvaged, not refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from incoming_email.parsing.limits import Limits
from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.text import charsets
from incoming_email.parsing.text.one_line import clean

NO_FIELDS = "no header fields"
"""The defect of what is empty or has not one header line: that is no message."""

CUT = "header cut at"
"""How the defect of a header that was not read to its end begins."""

_FIELD = re.compile(rb"(?P<name>[!-9;-~]+)[ \t]*:(?P<value>.*)", re.DOTALL)
_FIELD_START = re.compile(rb"^[!-9;-~]{1,200}[ \t]{0,20}:", re.MULTILINE)
_BLANK_LINE = re.compile(rb"^\r*\n", re.MULTILINE)
_LEADING_BLANKS = re.compile(rb"(?:[ \t]*\r?\n)+")
_MBOX_LINE = re.compile(rb">?From (?![ \t]*:)[^\n]*\n")
_INDENT = re.compile(rb"[ \t]{1,100}")
_FIRST_LINE = re.compile(rb"[^\n]*\n")
_FOLD = re.compile(r"(?:(?<!\r)\r++)?\n[ \t]*")  # a run of CR is looked at once
_CHARSET = re.compile(rb"charset=[\"']?(?P<label>[!-!#-&(-:<-~]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headers:
    """Raw values by lower-case name, each in the order of the message."""

    fields: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    """The name of each field, in lower case, topmost first."""

    def raw(self, name: str) -> tuple[bytes, ...]:
        return self.fields.get(name.lower(), ())

    def unfolded(self, name: str) -> tuple[str, ...]:
        """Values of all occurrences, one line each, encoded-words left as they are."""
        return tuple(self._unfold(value) for value in self.raw(name))

    def first(self, name: str) -> str:
        """The first occurrence, unfolded; empty if there is none."""
        return next((self._unfold(value) for value in self.raw(name)[:1]), "")

    def text(self, name: str) -> str:
        """The first occurrence for people: unfolded, encoded-words decoded, on one line."""
        return clean(decode_words(self.first(name)))

    def _unfold(self, value: bytes) -> str:
        """Each fold becomes one space (RFC 5322, 2.2.3, with the tabs that senders fold by)."""
        label = None if value.isascii() else self._charset_of_body()
        text = charsets.decode_raw(value, label)
        return clean(_FOLD.sub(" ", text) if "\n" in text else text)

    def _charset_of_body(self) -> str | None:
        """What programs that write 8-bit header fields write them in, too."""
        for value in self.raw("Content-Type"):
            if match := _CHARSET.search(value):
                return match["label"].decode("ascii")
        return None


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    headers: Headers
    body_start: int
    defects: tuple[str, ...] = ()


def split_message_headers(content: bytes, limits: Limits) -> HeaderBlock:
    """The header block of a whole message, without junk above or inside it."""
    start, defects = _skip_rubbish(content)
    if not _FIELD.match(content, start, _line_end(content, start)):
        return HeaderBlock(Headers(), start, (*defects, NO_FIELDS))
    blank = _BLANK_LINE.search(content, start)
    if blank:
        end, body_start = blank.span()
    else:
        end = body_start = _end_of_fields(content, start, len(content))
    return _read_block(content[start:end], body_start, limits, defects)


def split_part_headers(content: bytes, start: int, end: int, limits: Limits) -> HeaderBlock:
    """The header block of a MIME part, which may be empty (RFC 2046, 5.1)."""
    blank = _BLANK_LINE.search(content, start, end)
    if blank and blank.start() == start:
        return HeaderBlock(Headers(), blank.end())
    if not _FIELD.match(content, start, _line_end(content, start)):
        return HeaderBlock(Headers(), start, ("part without blank line before its body",))
    stop = _end_of_fields(content, start, blank.start() if blank else end)
    body_start = blank.end() if blank and stop == blank.start() else stop
    return _read_block(content[start:stop], body_start, limits, ())


def _line_end(content: bytes, start: int) -> int:
    end = content.find(b"\n", start)
    return len(content) if end < 0 else end


def _skip_rubbish(content: bytes) -> tuple[int, tuple[str, ...]]:
    """Where the first field begins: after a BOM, blank lines, an mbox line, one line of junk."""
    start = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    defects: list[str] = []
    blanks = _LEADING_BLANKS.match(content, start)
    if blanks and _begins_field(content, blanks.end()):
        start = blanks.end()
        defects.append("blank lines before the header")
    mbox = _MBOX_LINE.match(content, start)
    if mbox:
        return mbox.end(), tuple(defects)
    indent = _INDENT.match(content, start)
    if indent and _FIELD.match(content, indent.end(), _line_end(content, start)):
        return indent.end(), (*defects, "blanks before the first header line")
    first = _FIRST_LINE.match(content, start)
    is_junk = first and first.group().strip() and not _begins_field(content, start)
    if first and is_junk and _begins_field(content, first.end()):
        return first.end(), (*defects, "a line before the header that is no field")
    return start, tuple(defects)


def _begins_field(content: bytes, at: int) -> bool:
    return bool(_FIELD_START.match(content, at) or _MBOX_LINE.match(content, at))


def _end_of_fields(content: bytes, start: int, end: int) -> int:
    """End of the last line that can belong to a field: behind it the body began unmarked."""
    last = start
    for last_field in _FIELD_START.finditer(content, start, end):
        last = last_field.start()
    at = min(_line_end(content, last) + 1, end)
    while at < end and content[at : at + 1] in {b" ", b"\t"}:
        at = min(_line_end(content, at) + 1, end)
    return at


def _read_block(
    block: bytes, body_start: int, limits: Limits, defects: tuple[str, ...]
) -> HeaderBlock:
    found = list(defects)
    if len(block) > limits.header_bytes:
        block = block[: limits.header_bytes]
        found.append(f"{CUT} {limits.header_bytes} bytes")
    fields, order, junk, cut = _read_fields(block.replace(b"\0", b""), limits.header_fields)
    if junk:
        found.append("lines in the header that are no fields")
    if cut:
        found.append(f"{CUT} {limits.header_fields} fields")
    by_name = {name: tuple(b"\n".join(lines) for lines in each) for name, each in fields.items()}
    return HeaderBlock(Headers(by_name, tuple(order)), body_start, tuple(found))


def _read_fields(
    block: bytes, most: int
) -> tuple[dict[str, list[list[bytes]]], list[str], bool, bool]:
    """Lines of each field by name; the names in order; whether there was junk; whether more than
    `most` fields."""
    fields: dict[str, list[list[bytes]]] = {}
    order: list[str] = []
    current: list[bytes] = []
    junk = False
    for line in block.split(b"\n"):
        match = None if line[:1] in {b" ", b"\t"} else _FIELD.match(line)
        if match is None:
            junk = junk or bool(line.strip() and line[:1] not in {b" ", b"\t"})
            current.append(line)
            continue
        if len(order) == most:
            return fields, order, junk, True
        current = [match["value"]]
        order.append(match["name"].decode("ascii").lower())
        fields.setdefault(order[-1], []).append(current)
    return fields, order, junk, False
