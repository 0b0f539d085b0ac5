"""WebP without Exif and XMP (RFC 9649, 2.7)."""

from issues.pictures.exif import UPRIGHT, find_orientation, make_exif

_HEADER = 12
_CHUNK_HEADER = 8
_NEEDED = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def clean_webp(content: bytes) -> bytes | None:
    """None where the chunks don't fill the file. What lies behind its end is dropped."""
    stop = _CHUNK_HEADER + int.from_bytes(content[4:8], "little")
    if stop > len(content) + 1:  # some writers leave the last padding byte out
        return None
    pieces: list[bytes] = []
    orientation = UPRIGHT
    at = _HEADER
    while at + _CHUNK_HEADER <= stop:
        kind = content[at : at + 4]
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + _CHUNK_HEADER + size
        if end > len(content):
            return None
        body = content[at + _CHUNK_HEADER : end]
        if kind in _NEEDED:
            pieces.append(_make_chunk(kind, body))
        elif kind == b"EXIF":
            orientation = find_orientation(body.removeprefix(b"Exif\0\0"))
        at = end + size % 2
    return _put_together(pieces, orientation) if pieces else None


def _make_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _put_together(pieces: list[bytes], orientation: int) -> bytes:
    turned = orientation != UPRIGHT
    if pieces[0].startswith(b"VP8X") and len(pieces[0]) > _CHUNK_HEADER:
        flags = pieces[0][_CHUNK_HEADER] & ~(_EXIF_FLAG | _XMP_FLAG)
        flags |= _EXIF_FLAG if turned else 0
        pieces[0] = pieces[0][:_CHUNK_HEADER] + bytes([flags]) + pieces[0][_CHUNK_HEADER + 1 :]
        pieces += [_make_chunk(b"EXIF", make_exif(orientation))] if turned else []
    body = b"WEBP" + b"".join(pieces)
    return b"RIFF" + len(body).to_bytes(4, "little") + body
