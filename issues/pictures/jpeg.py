"""JPEG without its application segments (ITU T.81, annex B)."""

import re

from issues.pictures.exif import UPRIGHT, find_orientation, make_exif

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_JFIF, _EXIF_OR_XMP, _PROFILE, _ADOBE, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without length: TEM, and the restart markers."""

_EXIF = b"Exif\0\0"
_NEEDED = {_JFIF: b"JFIF\0", _PROFILE: b"ICC_PROFILE\0", _ADOBE: b"Adobe"}
"""What changes the look: pixel ratio, colours. The rest is thumbnails and talk."""

_MARKER = re.compile(rb"\xff+(?P<code>[^\x00\xff])", re.DOTALL)
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def clean_jpeg(content: bytes) -> bytes | None:
    """None where the segments don't follow each other. What lies behind the end is dropped."""
    pieces = [content[:2]]
    orientation = UPRIGHT
    at = 2
    while at < len(content):
        marker = _MARKER.match(content, at)
        if marker is None:
            return None
        code = marker["code"][0]
        if code == _END:
            return _put_together([*pieces, b"\xff\xd9"], orientation)
        end = marker.end() if code in _ALONE else _segment_end(content, marker.end())
        if end is None:
            return None
        body = content[marker.end() + 2 : end]
        if code == _EXIF_OR_XMP and body.startswith(_EXIF) and orientation == UPRIGHT:
            orientation = find_orientation(body[len(_EXIF) :])
        if code == _SCAN:
            end = _scan_end(content, end)
        if _is_needed(code, body):
            pieces.append(content[at:end])
        at = end
    return _put_together(pieces, orientation) if len(pieces) > 1 else None


def _segment_end(content: bytes, at: int) -> int | None:
    end = at + int.from_bytes(content[at : at + 2], "big")
    return end if at + 2 <= end <= len(content) else None


def _scan_end(content: bytes, at: int) -> int:
    """Compressed data goes on to the next marker; a picture cut short ends with it."""
    found = _NEXT_MARKER.search(content, at)
    return found.start() if found else len(content)


def _is_needed(code: int, body: bytes) -> bool:
    if code in _APPLICATION:
        return code in _NEEDED and body.startswith(_NEEDED[code])
    return code != _COMMENT


def _put_together(pieces: list[bytes], orientation: int) -> bytes:
    """JFIF requires its segment first, so the orientation follows it."""
    if orientation != UPRIGHT:
        body = _EXIF + make_exif(orientation)
        segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
        is_jfif = len(pieces) > 1 and pieces[1].startswith(b"\xff\xe0")
        pieces.insert(2 if is_jfif else 1, segment)
    return b"".join(pieces)
