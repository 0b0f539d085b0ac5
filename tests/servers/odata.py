"""`$filter` and `$orderby` of messages as Microsoft Graph takes them; anything else is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

TOKEN = re.compile(
    r" *(\(|\)|and\b|or\b|receivedDateTime (?:ge|gt|le|lt) \S+?Z|isRead eq (?:true|false))"
)
Test = Callable[["Fields"], bool]


class BadQueryError(Exception):
    """Answered with 400."""


@dataclass(frozen=True)
class Fields:
    received_at: datetime
    is_read: bool


def parse_filter(text: str) -> Test:
    """`and` binds more tightly than `or`."""
    tokens = []
    end = 0
    while end < len(text):
        match = TOKEN.match(text, end)
        if match is None:
            raise BadQueryError(f"Invalid filter clause at {text[end:]!r}")
        tokens.append(match[1])
        end = match.end()
    test, rest = _either(tokens)
    if rest:
        raise BadQueryError(f"Invalid filter clause at {rest!r}")
    return test


def _either(tokens: list[str]) -> tuple[Test, list[str]]:
    left, rest = _both(tokens)
    if rest[:1] != ["or"]:
        return left, rest
    right, rest = _either(rest[1:])
    return (lambda fields: left(fields) or right(fields)), rest


def _both(tokens: list[str]) -> tuple[Test, list[str]]:
    left, rest = _one(tokens)
    if rest[:1] != ["and"]:
        return left, rest
    right, rest = _both(rest[1:])
    return (lambda fields: left(fields) and right(fields)), rest


def _one(tokens: list[str]) -> tuple[Test, list[str]]:
    if not tokens:
        raise BadQueryError("Invalid filter clause: it ends too early")
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        test, rest = _either(rest)
        if rest[:1] != [")"]:
            raise BadQueryError("Invalid filter clause: a bracket is missing")
        return test, rest[1:]
    if first.startswith("isRead"):
        return (lambda fields: fields.is_read is first.endswith("true")), rest
    if not first.startswith("receivedDateTime"):
        raise BadQueryError(f"Invalid filter clause at {first!r}")
    _, operator, value = first.split(" ")
    moment = datetime.fromisoformat(value)
    tests: dict[str, Test] = {
        "ge": lambda fields: fields.received_at >= moment,
        "gt": lambda fields: fields.received_at > moment,
        "le": lambda fields: fields.received_at <= moment,
        "lt": lambda fields: fields.received_at < moment,
    }
    return tests[operator], rest


def is_efficient(filter_text: str, order: str) -> bool:
    """What is sorted by must stand first in the filter."""
    return not order or filter_text.lstrip("( ").startswith(order.split(" ", maxsplit=1)[0])
