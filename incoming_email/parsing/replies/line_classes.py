"""Says for each line of a mail's text what it is: quote, attribution, header block, own text."""

import re
from collections.abc import Sequence
from enum import Enum

from incoming_email.parsing.replies.attributions import find_attribution, find_inline_attribution
from incoming_email.parsing.replies.footers import is_reply_above
from incoming_email.parsing.replies.header_blocks import (
    find_header_name,
    find_heading,
    is_header_block,
)
from incoming_email.parsing.replies.vocabulary import FORWARDED, ORIGINAL
from incoming_email.parsing.text import marks
from incoming_email.parsing.text.code_blocks import find_code_lines
from incoming_email.parsing.text.matching import is_groupwise, is_quote, unquote

_MARKER = re.compile(r"[-_=*•>\s]*[-_=*•]{2}\s*(?P<core>[^-_=*•>\s].*?)\s*:?\s*[-_=*•]{2,}$")
_LONGEST_MARKER = 200
_INITIALS = re.compile(r"[A-Z]{1,3}>(?:\s|$)")
_OPEN_LINK = re.compile(r"[(<]https?://[^\s)>]*$")
_ONLY_LINK = re.compile(r"[(<]https?://[^\s)>]*[)>]\s*>?$")
_WRAP_WIDTH = 65
"""A quoted line shorter than this was not wrapped by a program."""


class Line(Enum):
    """What a line is."""

    BLANK = "blank"
    TEXT = "text"
    CODE = "code"
    """Within a fence or a diff: never anything else, whatever it looks like."""

    QUOTE = "quote"
    ATTRIBUTION = "attribution"
    HISTORY = "history"
    """First line of a header block or of '-----Original Message-----': all below is old."""

    FORWARD = "forward"
    """First line of a forwarded message: all below belongs to it."""


def classify(lines: Sequence[str], plain_lines: Sequence[str]) -> list[Line]:
    """What each line of a mail is: text, code, quote, …; one class a line, in linear time.

    `plain_lines`: the same lines as `matching.plain` makes them.
    """
    classes = [
        Line.BLANK if not plain_line else Line.QUOTE if is_quote(plain_line) else Line.TEXT
        for plain_line in plain_lines
    ]
    for at in find_code_lines(lines):
        classes[at] = Line.CODE
    at = 0
    while at < len(lines):
        begins = classes[at] is Line.TEXT or _begins_quote(classes, at)
        at += _mark_begin(lines, plain_lines, classes, at) if begins else 1
    _mark_odd_quotes(plain_lines, classes)
    return classes


def is_original_marker(plain_line: str) -> bool:
    """'-----Original Message-----' in any language."""
    return _marker_core(plain_line) in ORIGINAL


def is_forward_marker(plain_line: str) -> bool:
    """'---------- Forwarded message ---------', or Apple's 'Begin forwarded message:'."""
    core = _marker_core(plain_line)
    if core:
        return core in FORWARDED or core.startswith("forwarded by ")
    if not plain_line.endswith((":", "：")):
        return False
    return unquote(plain_line).lower().strip(" :：") in FORWARDED


def _marker_core(plain_line: str) -> str:
    if len(plain_line) > _LONGEST_MARKER or plain_line[-1:] not in {"-", "_", "=", "*", "•"}:
        return ""
    found = _MARKER.match(plain_line)
    if found is None:
        return ""
    return found["core"].lower().replace("i\u0307", "i").strip(" *_:")  # Turkish 'İ'


def _begins_quote(classes: Sequence[Line], at: int) -> bool:
    return classes[at] is Line.QUOTE and (at == 0 or classes[at - 1] is not Line.QUOTE)


def _mark_begin(
    lines: Sequence[str], plain_lines: Sequence[str], classes: list[Line], at: int
) -> int:
    """Sees what begins at `at`; returns how many lines it takes."""
    line = plain_lines[at]
    if is_forward_marker(line):
        classes[at] = Line.FORWARD
    elif is_groupwise(line):
        classes[at] = Line.HISTORY
    elif classes[at] is Line.QUOTE or find_inline_attribution(lines[at], plain_lines, at + 1):
        return 1
    elif _is_history(plain_lines, at):
        classes[at] = Line.HISTORY
    else:
        count = find_attribution(plain_lines, at)
        start = find_heading(plain_lines, at) if count else at
        classes[start : at + count] = [Line.ATTRIBUTION] * (at + count - start)
        return max(count, 1)
    return 1


def _is_history(plain_lines: Sequence[str], at: int) -> bool:
    line = plain_lines[at]
    if marks.HISTORY in line or is_original_marker(line) or is_reply_above(line):
        return True
    return bool(find_header_name(line)) and is_header_block(plain_lines, at)


def _mark_odd_quotes(plain_lines: Sequence[str], classes: list[Line]) -> None:
    """Quotes without '>': wrapped ends of quoted lines, '| text' and 'AB> text'."""
    after_attribution = False
    for at, line in enumerate(plain_lines):
        here = classes[at]
        if here is Line.ATTRIBUTION:
            after_attribution = True
        elif here is Line.TEXT:
            bar = after_attribution and line.startswith("|")
            if bar or _is_initials_quote(plain_lines, at) or _is_wrapped(plain_lines, classes, at):
                classes[at] = Line.QUOTE
            else:
                after_attribution = False


def _is_initials_quote(plain_lines: Sequence[str], at: int) -> bool:
    """'AB> text' on two neighbouring lines at least; one alone may be a prompt."""
    mark = _INITIALS.match(plain_lines[at])
    if mark is None:
        return False
    neighbours = (*plain_lines[max(at - 1, 0) : at], *plain_lines[at + 1 : at + 2])
    return any(line.startswith(mark[0].rstrip()) for line in neighbours)


def _is_wrapped(plain_lines: Sequence[str], classes: Sequence[Line], at: int) -> bool:
    """The rest of a quoted line that a program wrapped and left without its mark."""
    if at == 0 or at + 1 == len(plain_lines):
        return False
    if classes[at - 1] is not Line.QUOTE or classes[at + 1] is not Line.QUOTE:
        return False
    before = plain_lines[at - 1]
    if _OPEN_LINK.search(before) or _ONLY_LINK.match(plain_lines[at]):
        return True
    return len(before) >= _WRAP_WIDTH and not before.endswith((".", "?", "!", ":", ";"))
