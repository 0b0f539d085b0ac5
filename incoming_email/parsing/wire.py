"""Our frozen values as bytes and back, between a process and the child that parses for it.

Not pickle: the child reads untrusted mail, and whoever controls it must not reach the parent. A
pickle can name any callable, and even one that may name only our classes can change them. Here the
reader knows which type must come and accepts nothing else: JSON, followed by `bytes`.
"""

import json
import struct
import types
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
SIZE = struct.Struct(">Q")
"""Length of what follows it."""

_PLAIN = (str, int, bool)


class NotOurs(Exception):
    """The bytes are no value of the type that must come."""


def encode(value: object) -> list[bytes]:
    """A frame in pieces, so that attachments are not copied: its length, JSON, then all `bytes`."""
    blobs: list[bytes] = []
    text = json.dumps(_flatten(value, blobs), ensure_ascii=False, separators=(",", ":"))
    head = text.encode("utf-8", errors="surrogatepass")
    length = SIZE.size + len(head) + sum(map(len, blobs))
    return [SIZE.pack(length) + SIZE.pack(len(head)) + head, *blobs]


def decode(kind: type[T], frame: memoryview) -> T:
    """`frame` is without its length. Raises NotOurs."""
    try:
        (size,) = SIZE.unpack_from(frame)
        tree = json.loads(bytes(frame[SIZE.size : SIZE.size + size]).decode("utf-8", _SURROGATES))
        blobs = _Blobs(frame[SIZE.size + size :])
        value: T = _build(kind, tree, blobs)
    except (ValueError, OverflowError, struct.error, RecursionError) as error:
        raise NotOurs(type(error).__name__) from error
    if len(blobs.left):
        raise NotOurs("bytes that nothing speaks of")
    return value


_SURROGATES = "surrogatepass"


class _Blobs:
    """The bytes behind the JSON, in the order in which it refers to them."""

    def __init__(self, left: memoryview) -> None:
        self.left = left

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.left):
            raise NotOurs("fewer bytes than it speaks of")
        taken, self.left = bytes(self.left[:size]), self.left[size:]
        return taken


def _flatten(value: Any, blobs: list[bytes]) -> Any:
    if isinstance(value, bytes):
        blobs.append(value)
        return len(value)
    if isinstance(value, tuple):
        return [_flatten(each, blobs) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return [_flatten(getattr(value, field.name), blobs) for field in fields(value)]
    return value


def _build(kind: Any, tree: Any, blobs: _Blobs) -> Any:
    """The value of this type; whatever does not fit ends it."""
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        return _build_optional(kind, tree, blobs)
    if origin is tuple:
        each = typing.get_args(kind)[0]
        return tuple(_build(each, part, blobs) for part in _require(list, tree))
    if kind in _PLAIN:
        return _require(kind, tree)
    if kind is bytes:
        return blobs.take(_require(int, tree))
    if is_dataclass(kind):
        return _build_value(kind, _require(list, tree), blobs)
    return _build_word(kind, _require(str, tree))


def _build_optional(kind: Any, tree: Any, blobs: _Blobs) -> Any:
    (present,) = (each for each in typing.get_args(kind) if each is not types.NoneType)
    return None if tree is None else _build(present, tree, blobs)


def _build_value(kind: Any, tree: list[Any], blobs: _Blobs) -> Any:
    hints = _find_hints(kind)
    if len(hints) != len(tree):
        raise NotOurs(f"not the fields of {kind.__name__}")
    return kind(*(_build(hint, part, blobs) for hint, part in zip(hints, tree, strict=True)))


def _build_word(kind: Any, word: str) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(word).astimezone(UTC)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(word)
    raise NotOurs(f"no way to read {kind}")


def _require(kind: Any, tree: Any) -> Any:
    if type(tree) is not kind:  # bool is an int, but not here
        raise NotOurs(f"{type(tree).__name__} where {kind.__name__} must stand")
    return tree


@cache
def _find_hints(kind: Any) -> tuple[Any, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(hints[field.name] for field in fields(kind))
