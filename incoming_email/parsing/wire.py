"""Our frozen values as bytes and back, between a process and the child that parses for it.

Not pickle: the child reads untrusted mail, and whoever controls it must not reach the parent. A
pickle can name any callable, and even one that may name only our classes can change them. Here
msgspec reads MessagePack as the type that must come, and builds nothing else.
"""

import struct
from typing import TypeVar

import msgspec

T = TypeVar("T")
SIZE = struct.Struct(">Q")
"""Length of what follows it."""

_encoder = msgspec.msgpack.Encoder()


class NotOurs(Exception):
    """The bytes are no value of the type that must come."""


def encode(value: object) -> bytearray:
    """A frame: its length, then the value."""
    frame = bytearray(SIZE.size)
    _encoder.encode_into(value, frame, SIZE.size)
    SIZE.pack_into(frame, 0, len(frame) - SIZE.size)
    return frame


def decode(kind: type[T], frame: memoryview) -> T:
    """`frame` is without its length. Raises NotOurs, which quotes nothing of it."""
    try:
        return msgspec.msgpack.decode(frame, type=kind)
    except (ValueError, OverflowError, RecursionError) as error:
        raise NotOurs(type(error).__name__) from error
