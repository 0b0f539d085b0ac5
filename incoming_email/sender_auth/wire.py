"""A message as dkimpy gets it, in which nothing can cost quadratic time."""

import logging
import re
from collections import Counter
from dataclasses import dataclass

import dkim

MAX_HEADER_BYTES = 262_144
MAX_FIELDS = 1000
MAX_SIGNATURE_BYTES = 4096

SILENT = logging.getLogger(f"{__name__}.dkim")
SILENT.setLevel(logging.CRITICAL + 1)

FAULTS = (dkim.DKIMException, ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
"""What dkimpy raises for what is no signature or key; anything else is our own bug."""

_BLANKS = re.compile(rb"[\t ]+")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[\t ])")
_FIELD = re.compile(rb"[!-9;-~]+:")
_MBOX_LINE = b"From "


@dataclass(frozen=True, slots=True)
class SignedMessage:
    header: bytes
    body: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    """Names in lower case, and unfolded values, topmost first."""

    def find(self, name: bytes) -> list[bytes]:
        return [value for each, value in self.fields if each == name]

    @property
    def present(self) -> Counter[bytes]:
        """How often each field comes."""
        return Counter(name for name, _value in self.fields)

    def write(self, *, is_relaxed: bool) -> bytes:
        """`is_relaxed`: the signature takes runs of blanks in the body for one. To dkimpy such a
        run costs quadratic time, and one blank is the same to it."""
        body = _BLANKS.sub(b" ", self.body) if is_relaxed else self.body
        return self.header + b"\r\n\r\n" + body


def split_message(content: bytes) -> SignedMessage | str:
    """The message, or why it is not looked at."""
    end = _HEADER_END.search(content, 0, MAX_HEADER_BYTES)
    if end is None:
        return "the header has no end, or is too long"
    header = content[: end.start()]
    lines = _LINE_END.split(_FOLD.sub(b"", header))
    if len(lines) > MAX_FIELDS:
        return "the header has too many fields"
    # dkimpy passes over lines that begin like an mbox's. To us they go on what is above them, as
    # a signed subject, so only one on top is let through.
    if not all(map(_FIELD.match, lines[lines[0].startswith(_MBOX_LINE) :])):
        return "the header has lines that are no fields"
    parts = (line.partition(b":") for line in lines)
    fields = tuple((name.strip().lower(), value) for name, _, value in parts)
    return SignedMessage(header, content[end.end() :], fields)
