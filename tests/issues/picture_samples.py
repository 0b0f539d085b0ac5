"""Small pictures of each kind, made by hand, with as much metadata as a test asks for."""

import struct
import zlib

SECRET = b"52.520008 N 13.404954 E"
"""Stands for whatever a camera tells."""


def make_tiff(orientation: int = 1, order: str = ">") -> bytes:
    """Exif with an orientation, and the secret behind it."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    header = mark + struct.pack(f"{order}I", 8)
    entry = struct.pack(f"{order}HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return header + entry + SECRET


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(
    pixel: bytes = b"\0", *, text: bytes = b"", tiff: bytes = b"", end: bytes = b""
) -> bytes:
    """One row of grey pixels."""
    header = struct.pack(">IIBBBBB", len(pixel), 1, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _png_chunk(b"IHDR", header),
            _png_chunk(b"tEXt", text) if text else b"",
            _png_chunk(b"eXIf", tiff) if tiff else b"",
            _png_chunk(b"IDAT", zlib.compress(b"\0" + pixel)),
            _png_chunk(b"IEND", b""),
            end,
        )
    )


def segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
PROFILE = segment(0xE2, b"ICC_PROFILE\0\1\1colours")
ADOBE = segment(0xEE, b"Adobe\0d\0\0\0\0\1")
_TABLES = segment(0xDB, b"\0" + bytes(range(64))) + segment(0xC4, b"\0\xff\xd9" + bytes(15))
_FRAME = segment(0xC0, b"\x08\0\1\0\1\1\1\x11\0")
_SCAN = segment(0xDA, b"\1\1\0\0\x3f\0") + b"data\xff\0more\xff\xd0and more"


def make_jpeg(*segments: bytes, scans: int = 1, end: bytes = b"") -> bytes:
    """Only its structure is right; a table between two scans holds the bytes of an end mark."""
    return (
        b"".join((b"\xff\xd8", *segments, _TABLES, _FRAME, *[_SCAN, _TABLES][:scans], _SCAN))
        + b"\xff\xd9"
        + end
    )


def make_webp(*chunks: tuple[bytes, bytes], flags: int = 0) -> bytes:
    body = b"WEBP" + _riff_chunk(b"VP8X", bytes([flags]) + bytes(9))
    body += b"".join(_riff_chunk(kind, content) for kind, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I", len(body) + 8) + kind + body


def make_heif(exif: bytes, xmp: bytes, *, in_idat: bool = False) -> bytes:
    """A picture without pixels: an Exif and an XMP item, in `mdat` or in `idat`."""
    items = (
        box(b"infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"hvc1picture\0"),
        box(b"infe", b"\2\0\0\0", struct.pack(">HH", 2, 0), b"Exif\0"),
        box(b"infe", b"\2\0\0\0", struct.pack(">HH", 3, 0), b"mime\0application/rdf+xml\0"),
    )
    data = b"pixels" + exif + xmp
    start = 0

    def whole() -> bytes:
        method = 1 if in_idat else 0
        places = (start, start + 6, start + 6 + len(exif))
        extents = b"".join(
            struct.pack(">HHHHII", number, method, 0, 1, place, length)
            for number, place, length in zip(
                (1, 2, 3), places, (6, len(exif), len(xmp)), strict=True
            )
        )
        iloc = box(b"iloc", b"\1\0\0\0", b"\x44\0", struct.pack(">H", 3), extents)
        iinf = box(b"iinf", bytes(4), struct.pack(">H", 3), *items)
        idat = box(b"idat", data) if in_idat else b""
        meta = box(b"meta", bytes(4), box(b"hdlr", bytes(12)), iinf, iloc, idat)
        front = box(b"ftyp", b"heic", bytes(4), b"mif1") + meta
        return front + (b"" if in_idat else box(b"mdat", data))

    if not in_idat:
        start = whole().index(data)
    return whole()
