"""SEARCH as the stand-in for an IMAP server understands it: strictly, and only what we ask."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Candidate:
    uid: int
    flags: frozenset[str]
    came_at: datetime


Key = Callable[[Candidate], bool]
UidSet = Callable[[str], Sequence[int]]

PLAIN: dict[str, Key] = {
    "ALL": lambda _: True,
    "UNDELETED": lambda each: "\\Deleted" not in each.flags,
    "UNSEEN": lambda each: "\\Seen" not in each.flags,
}
"""The keys that have no argument."""


def parse_search(text: str, chosen: UidSet) -> Key:
    """Raises ValueError where a server would answer BAD. `chosen`: the UIDs that a set names."""
    tokens = re.findall(r"[()]|[^\s()]+", text)
    keys = []
    while tokens:
        keys.append(_parse_key(tokens, chosen))
    return _all(keys)


def _all(keys: Sequence[Key]) -> Key:
    if not keys:
        raise ValueError("no search key")
    return lambda candidate: all(key(candidate) for key in keys)


def _parse_key(tokens: list[str], chosen: UidSet) -> Key:
    name = _take(tokens)
    if name in PLAIN:
        return PLAIN[name]
    if name == "(":
        return _parse_group(tokens, chosen)
    match name:
        case "SINCE":
            first = _parse_date(_take(tokens))
            return lambda each: each.came_at.date() >= first
        case "UID":
            uids = frozenset(chosen(_take(tokens)))
            return lambda each: each.uid in uids
        case "OR":
            one, other = _parse_key(tokens, chosen), _parse_key(tokens, chosen)
            return lambda each: one(each) or other(each)
        case _:
            raise ValueError(f"unknown search key {name}")


def _parse_group(tokens: list[str], chosen: UidSet) -> Key:
    keys = []
    while tokens and tokens[0] != ")":
        keys.append(_parse_key(tokens, chosen))
    _take(tokens)
    return _all(keys)


def _take(tokens: list[str]) -> str:
    if not tokens:
        raise ValueError("the search ends too early")
    return tokens.pop(0)


def _parse_date(text: str) -> date:
    """A date without quotes, such as 1-Jan-2024 (RFC 3501, 9)."""
    return datetime.strptime(text, "%d-%b-%Y").date()
