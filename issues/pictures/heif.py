"""HEIF, the pictures of iPhones (ISO/IEC 23008-12): Exif and XMP are overwritten where they lie.

Nothing moves, as the file is full of offsets. The orientation is a property of the picture
(`irot`), not of Exif, and stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from issues.pictures.exif import UPRIGHT, make_exif

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"})
_XMP = b"application/rdf+xml\0"
_BOX_HEADER, _LARGE_HEADER = 8, 16
_MAX_ITEMS = 10_000


class _Broken(Exception):
    """The boxes do not hold what the format says."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    """Of the body."""

    end: int


def is_heif(content: bytes) -> bool:
    return content[4:8] == b"ftyp" and content[8:12] in _BRANDS


def clean_heif(content: bytes) -> bytes | None:
    """None where the boxes can't be read."""
    try:
        meta = _find(content, b"meta", 0, len(content))
        inside = list(_boxes(content, meta.start + 4, meta.end))
        kinds = {box.kind: box for box in inside}
        wanted = _find_metadata_items(content, kinds[b"iinf"])
        cleaned = bytearray(content)
        for item, start, end in _extents(content, kinds):
            if item in wanted and start < end:
                cleaned[start:end] = _nothing(wanted[item], end - start)
        return bytes(cleaned)
    except (_Broken, KeyError):
        return None


def _nothing(kind: bytes, size: int) -> bytes:
    """Exif without an entry, or XMP of blanks."""
    if kind != b"Exif":
        return b" " * size
    return (b"\0\0\0\0" + make_exif(UPRIGHT)).ljust(size, b"\0")[:size]


def _number(content: bytes, at: int, size: int) -> int:
    if at + size > len(content):
        raise _Broken
    return int.from_bytes(content[at : at + size], "big")


def _boxes(content: bytes, at: int, end: int) -> Iterator[_Box]:
    while at + _BOX_HEADER <= end:
        size, kind, header = _number(content, at, 4), content[at + 4 : at + 8], _BOX_HEADER
        if size == 1:
            size, header = _number(content, at + 8, 8), _LARGE_HEADER
        stop = at + size if size else end
        if (size and size < header) or stop > end:
            raise _Broken
        yield _Box(kind, at + header, stop)
        at = stop


def _find(content: bytes, kind: bytes, start: int, end: int) -> _Box:
    for box in _boxes(content, start, end):
        if box.kind == kind:
            return box
    raise _Broken


def _find_metadata_items(content: bytes, iinf: _Box) -> dict[int, bytes]:
    """Kind by number of the items that hold Exif or XMP."""
    found: dict[int, bytes] = {}
    size = 2 if content[iinf.start] == 0 else 4
    for count, box in enumerate(_boxes(content, iinf.start + 4 + size, iinf.end)):
        if count > _MAX_ITEMS:
            raise _Broken
        version = _number(content, box.start, 1)
        size = 4 if version == 3 else 2  # noqa: PLR2004  (ISO/IEC 14496-12, 8.11.6)
        at = box.start + 4 + size + 2
        kind = content[at : at + 4]
        name_end = content.find(b"\0", at + 4, box.end)
        is_xmp = kind == b"mime" and content[name_end + 1 : box.end].startswith(_XMP)
        if kind == b"Exif" or is_xmp:
            found[_number(content, box.start + 4, size)] = kind
    return found


def _extents(content: bytes, kinds: dict[bytes, _Box]) -> Iterator[tuple[int, int, int]]:
    """Item, start and end of each piece of data (ISO/IEC 14496-12, 8.11.3)."""
    box = kinds[b"iloc"]
    version, at = content[box.start], box.start + 4
    sizes = _number(content, at, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    id_size = 4 if version > 1 else 2
    at += 2 + id_size
    while at + id_size <= box.end:
        item = _number(content, at, id_size)
        at += id_size
        method = _number(content, at, 2) & 15 if version else 0
        at += (2 if version else 0) + 2
        base = _origin(method, kinds) + _number(content, at, base_size)
        count = _number(content, at + base_size, 2)
        at += base_size + 2
        if at + count * (index_size + offset_size + length_size) > box.end:
            raise _Broken
        for _ in range(count):
            at += index_size
            start = base + _number(content, at, offset_size)
            length = _number(content, at + offset_size, length_size)
            at += offset_size + length_size
            if start + length > len(content):
                raise _Broken
            yield item, start, start + length


def _origin(method: int, kinds: dict[bytes, _Box]) -> int:
    """What offsets count from: the file, or the box `idat`."""
    if method == 0:
        return 0
    if method == 1:
        return kinds[b"idat"].start
    raise _Broken
