"""Blocks of MAPI properties, as TNEF holds them (MS-OXTNEF, 2.1.3.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_STRING, _UNICODE, _OBJECT, _BINARY = 0x001E, 0x001F, 0x000D, 0x0102
_VARIABLE = frozenset({_STRING, _UNICODE, _OBJECT, _BINARY})
_SIZES = {
    0x0001: 4, 0x0002: 2, 0x000B: 2, 0x0003: 4, 0x0004: 4, 0x000A: 4, 0x0005: 8, 0x0006: 8,
    0x0007: 8, 0x0014: 8, 0x0040: 8, 0x0048: 16,
}  # fmt: skip
"""Bytes of one value, by type; all values of a property are padded to four together."""

_SEVERAL = 0x1000
_NAMED = 0x8000
_GUID_BYTES = 16


class BrokenTnef(Exception):
    """The bytes end before what they announce, or hold what no writer makes."""


@dataclass(frozen=True, slots=True)
class Property:
    type: int
    raw: bytes

    @property
    def text(self) -> str:
        """Of a Unicode string; empty for every other type."""
        if self.type != _UNICODE:
            return ""
        return self.raw.decode("utf-16-le", errors="replace").rstrip("\0")

    @property
    def is_object(self) -> bool:
        """Behind an interface id."""
        return self.type == _OBJECT


@dataclass(frozen=True, slots=True)
class Properties:
    """The first value of each property without a name, by tag."""

    by_tag: Mapping[int, Property] = field(default_factory=dict)

    def find(self, tag: int) -> Property | None:
        """None where it is missing or empty."""
        found = self.by_tag.get(tag)
        return found if found and found.raw.strip(b"\0") else None

    def number(self, tag: int) -> int:
        found = self.by_tag.get(tag)
        return int.from_bytes(found.raw[:4], "little") if found else 0


def read_number(data: bytes, at: int, size: int) -> int:
    """Unsigned, the low byte first."""
    if at + size > len(data):
        raise BrokenTnef
    return int.from_bytes(data[at : at + size], "little")


def read_properties(data: bytes, start: int, end: int) -> Properties:
    """The block in `data[start:end]`; raises BrokenTnef where it is not whole."""
    found: dict[int, Property] = {}
    at = start + 4
    for _ in range(read_number(data, start, 4)):
        kind, tag = read_number(data, at, 2), read_number(data, at + 2, 2)
        at = _skip_name(data, at + 4) if tag >= _NAMED else at + 4
        value, at = _read_value(data, at, kind)
        if at > end:
            raise BrokenTnef
        if tag < _NAMED:
            found.setdefault(tag, Property(kind & ~_SEVERAL, value))
    return Properties(found)


def _skip_name(data: bytes, at: int) -> int:
    """Behind the name of a property: a set, and a number or a string in it."""
    at += _GUID_BYTES
    if read_number(data, at, 4) == 0:
        return at + 8
    return at + 8 + _padded(read_number(data, at + 4, 4))


def _read_value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """The first value, and where the next property begins."""
    several, kind = bool(kind & _SEVERAL), kind & ~_SEVERAL
    if kind not in _VARIABLE and kind not in _SIZES:
        raise BrokenTnef
    count = 1
    if several or kind in _VARIABLE:
        count = read_number(data, at, 4)
        at += 4
    if kind in _SIZES:
        size = _SIZES[kind]
        return data[at : at + size], at + _padded(count * size)
    first: bytes | None = None
    for _ in range(count):
        size = read_number(data, at, 4)
        at += 4
        first = data[at : at + size] if first is None else first
        at += _padded(size)
    return first or b"", at


def _padded(size: int) -> int:
    return (size + 3) // 4 * 4
