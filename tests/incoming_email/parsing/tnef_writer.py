"""Writes TNEF containers, as Outlook does (MS-OXTNEF)."""

import struct

MESSAGE, ATTACHMENT = 1, 2
IID_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")


def attribute(level: int, name: int, data: bytes) -> bytes:
    head = struct.pack("<BHHI", level, name, 6, len(data))
    return head + data + struct.pack("<H", sum(data) & 0xFFFF)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def string(tag: int, text: str) -> bytes:
    """A property of one Unicode string."""
    data = f"{text}\0".encode("utf-16-le")
    return struct.pack("<HHII", 0x1F, tag, 1, len(data)) + _padded(data)


def binary(tag: int, data: bytes, kind: int = 0x102) -> bytes:
    return struct.pack("<HHII", kind, tag, 1, len(data)) + _padded(data)


def number(tag: int, value: int) -> bytes:
    return struct.pack("<HHI", 3, tag, value)


def short(tag: int, value: int) -> bytes:
    return struct.pack("<HHHH", 2, tag, value, 0)


def named(value: int) -> bytes:
    """A property that goes by a string in a set, as Outlook's own do."""
    name = "x-custom\0".encode("utf-16-le")
    head = struct.pack("<HH", 3, 0x8001) + bytes(16) + struct.pack("<II", 1, len(name))
    return head + _padded(name) + struct.pack("<I", value)


def several(tag: int, *values: bytes) -> bytes:
    """A property of several binary values."""
    pieces = [struct.pack("<I", len(value)) + _padded(value) for value in values]
    return struct.pack("<HHI", 0x1102, tag, len(values)) + b"".join(pieces)


def properties(*each: bytes) -> bytes:
    return struct.pack("<I", len(each)) + b"".join(each)


def message(*attributes: bytes, codepage: int = 1252) -> bytes:
    head = struct.pack("<IH", 0x223E9F78, 1)
    pages = attribute(MESSAGE, 0x9007, struct.pack("<II", codepage, 0))
    return head + pages + b"".join(attributes)


def body(*each: bytes) -> bytes:
    return attribute(MESSAGE, 0x9003, properties(*each))


def file(title: bytes, data: bytes, *each: bytes) -> bytes:
    """An attachment, in the order of attributes that Outlook writes."""
    return b"".join(
        (
            attribute(ATTACHMENT, 0x9002, bytes(14)),
            attribute(ATTACHMENT, 0x8010, title + b"\0"),
            attribute(ATTACHMENT, 0x800F, data) if data else b"",
            attribute(ATTACHMENT, 0x9005, properties(*each)),
        )
    )


def compressed(rtf: bytes) -> bytes:
    """Without a reference: each control byte announces eight bytes as they are."""
    runs = [b"\0" + rtf[at : at + 8] for at in range(0, len(rtf), 8)]
    data = b"".join(runs)
    return struct.pack("<II", len(data) + 12, len(rtf)) + b"LZFu" + bytes(4) + data
