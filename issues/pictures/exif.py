"""Exif metadata, a small TIFF file (CIPA DC-008): only the orientation is worth keeping."""

import struct

UPRIGHT = 1
_LAST = 8
_ORIENTATION, _SHORT = 0x0112, 3
_ENTRY_BYTES = 12
_HEADER_BYTES = 8


def find_orientation(tiff: bytes) -> int:
    """1 to 8; 1, which is upright, where none is given or the bytes are broken."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < _HEADER_BYTES:
        return UPRIGHT
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    if at + 2 > len(tiff):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for entry in range(at + 2, at + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES):
        if entry + _ENTRY_BYTES > len(tiff):
            break
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if tag == _ORIENTATION and kind == _SHORT:
            return value if UPRIGHT <= value <= _LAST else UPRIGHT
    return UPRIGHT


def make_exif(orientation: int) -> bytes:
    """A TIFF file that says how to turn the picture, and nothing else."""
    header = b"MM\0*" + struct.pack(">I", _HEADER_BYTES)
    entry = struct.pack(">HHHIHHI", 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)
    return header + entry
