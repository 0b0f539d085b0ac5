"""Finds the block 'From: … Sent: … To: … Subject: …' that Outlook puts above quoted mail."""

from collections.abc import Sequence

from incoming_email.parsing.replies.vocabulary import (
    HEADER_ROLES,
    MAX_HEADER_NAME,
    SURE_SENT_NAMES,
    Role,
)

MAX_LINES = 12
"""A block shows what it is within these; only its list of recipients may be longer."""

_LEAST_ROLES = 2
_SENT_NAMES = tuple(name for name, roles in HEADER_ROLES.items() if Role.SENT in roles)


def find_header_name(plain_line: str) -> str:
    """The name that a quoted header block gives its line, lower case; empty for other lines."""
    start = plain_line[: MAX_HEADER_NAME + 4]
    if "：" in start:
        start = start.replace("：", ":", 1)
    name, colon, _ = start.partition(":")
    name = name.strip(" *_").lower()
    return name if colon and name in HEADER_ROLES else ""


def _holds_two_names(plain_line: str, name: str) -> bool:
    """'From: ann@example.com Date: …' where the program put the block into one line."""
    if Role.SENDER not in HEADER_ROLES[name] or "@" not in plain_line:
        return False
    lowered = plain_line.lower()
    return any(f" {sent}: " in lowered for sent in _SENT_NAMES)


def is_header_block(plain_lines: Sequence[str], start: int) -> bool:
    """Whether the lines from `start` on are the header block of an earlier mail.

    Two lines of a list ('From: Berlin', 'To: Paris') are not enough: it must contain an address, a
    'Sent:', or a subject and a date.
    """
    roles: set[Role] = set()
    names: set[str] = set()
    sure = dated = False
    for at in range(start, min(len(plain_lines), start + MAX_LINES)):
        name = find_header_name(plain_lines[at])
        if name:
            if at == start and _holds_two_names(plain_lines[at], name):
                return True
            names.add(name)
            roles |= HEADER_ROLES[name]
        elif not _may_continue(plain_lines, at):
            return False
        sure = sure or "@" in plain_lines[at] or name in SURE_SENT_NAMES
        dated = dated or (name in _SENT_NAMES and any(map(str.isdigit, plain_lines[at])))
        complete = len(names) > 1 and Role.SENDER in roles and len(roles) >= _LEAST_ROLES
        if complete and (sure or (dated and Role.SUBJECT in roles)):
            return True
    return False


def is_dated_block(plain_lines: Sequence[str], start: int) -> bool:
    """Whether the header block at `start` names a date or a subject, as every mail program does."""
    names = map(find_header_name, plain_lines[start : start + MAX_LINES])
    roles = frozenset[Role]().union(*(HEADER_ROLES[name] for name in names if name))
    return Role.SENT in roles or Role.SUBJECT in roles


def find_heading(plain_lines: Sequence[str], attribution: int) -> int:
    """Where the lines 'To: …; Subject: …;' begin that Yandex puts above its attribution.

    They are below a rule; `attribution` where there are none.
    """
    named = 0
    for at in range(attribution - 1, max(attribution - MAX_LINES, -1), -1):
        line = plain_lines[at]
        if find_header_name(line):
            named += 1
        elif named and line and not line.strip("-_"):
            return at
        elif line:
            break
    return attribution


def _may_continue(plain_lines: Sequence[str], at: int) -> bool:
    """Whether a line without name belongs to the block: wrapped, or one before a named line."""
    line = plain_lines[at]
    if "@" in line or line.startswith("<"):
        return True
    return at + 1 < len(plain_lines) and bool(find_header_name(plain_lines[at + 1]))
