"""PNG without texts, times and Exif (ISO/IEC 15948, 5.3)."""

import zlib

from issues.pictures.exif import UPRIGHT, find_orientation, make_exif

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_AROUND = 12
"""Bytes of a chunk besides its data: length, type, check sum."""

_NEEDED = frozenset({
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP",
    b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"acTL", b"fcTL", b"fdAT",
})  # fmt: skip


def clean_png(content: bytes) -> bytes | None:
    """None where the chunks don't follow each other to the end. What lies behind it is dropped."""
    pieces = [SIGNATURE]
    at = len(SIGNATURE)
    while at + _AROUND <= len(content):
        kind = content[at + 4 : at + 8]
        end = at + _AROUND + int.from_bytes(content[at : at + 4], "big")
        if end > len(content):
            return None
        if kind in _NEEDED:
            pieces.append(content[at:end])
        elif kind == b"eXIf":
            pieces.append(_keep_orientation(content[at + 8 : end - 4]))
        if kind == b"IEND":
            return b"".join(pieces)
        at = end
    return None


def _keep_orientation(tiff: bytes) -> bytes:
    orientation = find_orientation(tiff)
    if orientation == UPRIGHT:
        return b""
    body = b"eXIf" + make_exif(orientation)
    check = zlib.crc32(body).to_bytes(4, "big")
    return (len(body) - 4).to_bytes(4, "big") + body + check
