"""The tree of MIME parts (RFC 2046), split top down within limits and without copying bodies.

The standard parser builds its tree before anybody can stop it: 1500 levels end in a
RecursionError, and every line is held against every open boundary. This one looks for one
boundary at a time, so the work is at most the size of the message times the depth limit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from incoming_email.parsing.formats.smime import find_signed_content
from incoming_email.parsing.formats.tnef import SIGNATURE as TNEF_SIGNATURE
from incoming_email.parsing.formats.tnef import TnefFile, TnefMessage, parse_tnef
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.mime.headers import Headers, split_message_headers, split_part_headers
from incoming_email.parsing.mime.parameters import Value, parse_value
from incoming_email.parsing.mime.transfer import decode_transfer

TEXT_PLAIN = "text/plain"
OCTETS = "application/octet-stream"
TNEF = "application/ms-tnef"

_OPAQUE = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_TNEF_TYPES = {TNEF, "application/vnd.ms-tnef", OCTETS}
_TNEF_NAME = re.compile(r"win(?:mail)?\d*\.dat|.*\.tnef", re.IGNORECASE)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_AFTER_DELIMITER = re.compile(rb"(?P<last>--)?[ \t]*\r*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Part:
    """A message or a MIME part; `children` is empty for a leaf."""

    headers: Headers
    content_type: Value
    disposition: Value
    content: bytes
    """The message that the part lies in; its own body is [start:end]."""

    start: int
    end: int
    children: tuple["Part", ...] = ()

    @property
    def type(self) -> str:
        return self.content_type.main

    @property
    def raw_body(self) -> memoryview:
        """Not copied: a message of 50 MB would be there once more for each part that is looked
        at."""
        return memoryview(self.content)[self.start : self.end]

    @property
    def filename(self) -> str:
        """As the sender gave it, decoded, not yet safe; empty if none."""
        named = self.disposition.parameters.get("filename", "")
        return named or self.content_type.parameters.get("name", "")

    @property
    def is_attachment(self) -> bool:
        """Marked by the sender: by disposition, or by a file name, even an empty one."""
        return self.disposition.main == "attachment" or self.has_name

    @property
    def has_name(self) -> bool:
        given = self.disposition.parameters, self.content_type.parameters
        return "filename" in given[0] or "name" in given[1]

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order of the message."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Splitter:
    """Holds what is counted over the whole message: parts, and the defects met."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.parts = 0
        self.defects: list[str] = []

    def note(self, *defects: str) -> None:
        self.defects += [defect for defect in defects if defect not in self.defects]

    def split(self, part: Part, depth: int) -> Part:
        """The part with its children, if it is a multipart that can be split."""
        self.parts += 1
        if part.type in _OPAQUE and depth < self.limits.depth:
            return self.open_signed(part, depth)
        if _may_be_tnef(part) and depth < self.limits.depth:
            return self.open_tnef(part, depth)
        if not part.type.startswith("multipart/"):
            return part
        if depth >= self.limits.depth:
            self.note(f"more than {self.limits.depth} levels of parts")
            return replace(part, content_type=Value(OCTETS))
        boundary = part.content_type.parameters.get("boundary", "")
        spans, closed = self.find_spans(part, boundary) if boundary else ([], True)
        if not spans:
            self.note("multipart without parts")
            return replace(part, content_type=Value(TEXT_PLAIN))
        if not closed:
            self.note("multipart without closing boundary")
        return replace(part, children=tuple(self.read_children(part, spans, depth)))

    def open_signed(self, part: Part, depth: int) -> Part:
        """An opaque S/MIME signature becomes a multipart of what was signed (C34)."""
        data, _ = decode_transfer(part.raw_body, part.headers.first("Content-Transfer-Encoding"))
        inner = find_signed_content(data)
        if inner is None:
            self.note("S/MIME content that cannot be read")
            return part
        block = split_part_headers(inner, 0, len(inner), self.limits)
        place = replace(part, content=inner, start=block.body_start, end=len(inner))
        child = self.split(self.make_part(place, block.headers, TEXT_PLAIN), depth + 1)
        return replace(part, content_type=Value("multipart/mixed"), children=(child,))

    def open_tnef(self, part: Part, depth: int) -> Part:
        """The container becomes a multipart of body and files; one that can't be read stays."""
        data, _ = decode_transfer(part.raw_body, part.headers.first("Content-Transfer-Encoding"))
        if part.type == OCTETS and not data.startswith(TNEF_SIGNATURE):
            return part
        message = parse_tnef(data, depth=self.limits.depth - depth, most=self.limits.parts)
        if message is None:
            self.note("TNEF container that cannot be read")
            return part
        children = tuple(_make_tnef_parts(message, part))
        if not message.is_whole:
            self.note("bytes behind the end of a TNEF container")
            children = (*children, part)
        if self.parts + len(children) > self.limits.parts:
            self.note(f"more than {self.limits.parts} parts")
            return part
        self.parts += len(children)
        opened = replace(part, content_type=Value(TNEF), children=children)
        return opened if children else part

    def read_children(
        self, parent: Part, spans: list[tuple[int, int]], depth: int
    ) -> Iterator[Part]:
        default = "message/rfc822" if parent.type == "multipart/digest" else TEXT_PLAIN
        for start, end in spans:
            if self.parts >= self.limits.parts:
                self.note(f"more than {self.limits.parts} parts")
                return
            block = split_part_headers(parent.content, start, end, self.limits)
            self.note(*block.defects)
            place = replace(parent, start=block.body_start, end=end)
            child = self.make_part(place, block.headers, default)
            yield self.split(child, depth + 1)

    def make_part(self, place: Part, headers: Headers, default: str) -> Part:
        """The part at the position of `place`, with the type that its own headers give."""
        most = self.limits.parameters
        content_type = parse_value(headers.first("Content-Type"), most=most)
        disposition = parse_value(headers.first("Content-Disposition"), most=most)
        self.note(*content_type.defects, *disposition.defects)
        if len(headers.raw("Content-Type")) > 1:
            self.note("several Content-Type fields, the first counts")
        part = replace(
            place, headers=headers, content_type=content_type, disposition=disposition, children=()
        )
        if _TYPE.fullmatch(content_type.main):
            return part
        if content_type.main:
            self.note("Content-Type without a valid type")
            default = OCTETS if part.is_attachment else TEXT_PLAIN
        return replace(part, content_type=replace(content_type, main=default))

    def find_spans(self, part: Part, boundary: str) -> tuple[list[tuple[int, int]], bool]:
        """Where each child lies, and whether the closing delimiter is there."""
        delimiter = b"--" + boundary.encode("utf-8", errors="replace").rstrip()
        spans: list[tuple[int, int]] = []
        begun = -1
        for at, after, is_last in self.find_delimiters(part, delimiter):
            if begun >= 0:
                spans.append((begun, max(begun, _before_line_end(part.content, at))))
            begun = after
            if is_last:
                return spans, True
            if len(spans) > self.limits.parts:
                return spans, True
        if begun >= 0:
            spans.append((begun, part.end))
        return spans, False

    def find_delimiters(self, part: Part, delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
        """Start and end of each delimiter line, and whether it is the closing one."""
        content, at = part.content, part.start
        while (at := content.find(delimiter, at, part.end)) >= 0:
            after = _AFTER_DELIMITER.match(content, at + len(delimiter), part.end)
            begins_line = at == part.start or content[at - 1] == ord("\n")
            if begins_line and after:
                yield at, after.end(), bool(after["last"])
                at = after.end()
                continue
            line_end = content.find(b"\n", at, part.end)
            if line_end < 0:
                return
            at = line_end + 1


def _may_be_tnef(part: Part) -> bool:
    if part.type not in _TNEF_TYPES:
        return False
    return part.type != OCTETS or _TNEF_NAME.fullmatch(part.filename) is not None


def _make_tnef_parts(message: TnefMessage, place: Part) -> Iterator[Part]:
    """The body first, then the files; each as if it had come in MIME."""
    if message.body.strip():
        body_type = Value(message.body_type, {"charset": "utf-8"})
        yield _make_own_part(place, body_type, Value(""), message.body.encode(errors="replace"))
    for file in message.files:
        parameters = {"filename": file.name} if file.name else {}
        disposition = Value("inline" if file.content_id else "attachment", parameters)
        part = _make_own_part(place, Value(file.content_type), disposition, file.content)
        yield replace(part, headers=_identify(file))


def _make_own_part(place: Part, content_type: Value, disposition: Value, content: bytes) -> Part:
    return replace(
        place,
        headers=Headers(),
        content_type=content_type,
        disposition=disposition,
        content=content,
        start=0,
        end=len(content),
    )


def _identify(file: TnefFile) -> Headers:
    return Headers({"content-id": (file.content_id.encode(),)} if file.content_id else {})


def _before_line_end(content: bytes, at: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if content[at - 1 : at] != b"\n":
        return at
    return at - 2 if content[at - 2 : at - 1] == b"\r" else at - 1


def parse_structure(content: bytes, limits: Limits) -> tuple[Part, tuple[str, ...]]:
    """The message as a tree of parts, and what was wrong with it."""
    splitter = _Splitter(limits)
    block = split_message_headers(content, limits)
    splitter.note(*block.defects)
    place = Part(block.headers, Value(""), Value(""), content, block.body_start, len(content))
    root = splitter.make_part(place, block.headers, TEXT_PLAIN)
    return splitter.split(root, 0), tuple(splitter.defects)
