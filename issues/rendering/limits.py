"""How much one text may cost to show; counting takes time in proportion to its length."""

import re
from enum import Enum
from itertools import accumulate

from django.utils.translation import gettext as _

MAX_TEXT_BYTES = 1_000_000
"""Of Markdown. What follows is not shown."""

MAX_PLAIN_BYTES = 100_000
"""Of a text that is shown as it was written."""

MAX_CELLS = 10_000
"""Columns times rows, of all tables together. Short rows are filled up with empty cells, so that
12 kB of text can mean half a million."""

MAX_DEPTH = 100
"""Elements in elements. The time that nh3 takes grows with the square: 56 s for 100,000 `>`."""

MAX_HTML_BYTES = 2_000_000
"""Before and after it is cleaned. Also bounds what is not foreseen in the text."""

MAX_RESCANNED = 20_000_000_000
"""Bytes that html5ever, inside nh3, reads again: for each `&`, and for each letter from U+0080 to
U+00BF, such as the no-break space, the rest of its text or attribute. So many take about 0.1 s."""

_LINE_END = re.compile(r"\r\n?|\n")
_SPACE = " \t\v\f"
_BLANK = "> \t"
"""All that a line holds which ends a table. A form feed is a cell already."""

_DELIMITER_ROW = re.compile(rf"[>|:\-{_SPACE}]*")
"""The second line of a table, indented or quoted as may be. No other line begins one."""

_DASHES = re.compile("-+")
_DEEP_BEGINNING = re.compile(rf"^[>*+\-0-9.){_SPACE}]{{{MAX_DEPTH},}}", re.MULTILINE)
_TAG = re.compile(r"<(/?)(?!br|hr|img|input)[a-z]")


class Limit(Enum):
    CELLS = "cells"
    DEPTH = "depth"
    HTML = "html"

    @property
    def sentence(self) -> str:
        """For readers of the text."""
        return {
            Limit.CELLS: _(
                "This text has tables of more than %(number)s cells, so it is shown as plain "
                "text. Larger tables can be sent as a file."
            )
            % {"number": f"{MAX_CELLS:,}"},
            Limit.DEPTH: _(
                "Quotes, lists or emphasis in this text are nested more than %(number)s deep, so "
                "it is shown as plain text."
            )
            % {"number": MAX_DEPTH},
            Limit.HTML: _(
                "There is too much in this text to format, so it is shown as plain text."
            ),
        }[self]


class LimitExceededError(Exception):
    """The text must be shown without formatting."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.value)
        self.limit = limit


def check_text(text: str) -> None:
    """Before it is rendered. Raises LimitExceededError."""
    if count_cells(text) > MAX_CELLS:
        raise LimitExceededError(Limit.CELLS)
    if any(beginning.count(">") > MAX_DEPTH for beginning in _DEEP_BEGINNING.findall(text)):
        raise LimitExceededError(Limit.DEPTH)


def check_html(html: str) -> None:
    """Before it is cleaned; it must be well formed. Raises LimitExceededError."""
    check_size(html)
    steps = (-1 if closing else 1 for closing in _TAG.findall(html))
    if max(accumulate(steps), default=0) > MAX_DEPTH:
        raise LimitExceededError(Limit.DEPTH)
    if count_rescanned(html) > MAX_RESCANNED:
        raise LimitExceededError(Limit.HTML)


def check_size(html: str) -> None:
    """Raises LimitExceededError."""
    if len(html.encode()) > MAX_HTML_BYTES:
        raise LimitExceededError(Limit.HTML)


def count_cells(text: str) -> int:
    """At least as many as the tables of the text have.

    Only a blank line is known to end a table here, and every line that could be a delimiter row
    counts as one, so code and long paragraphs below it may be counted too.
    """
    cells = columns = 0
    for line in _LINE_END.split(text):
        if not line.strip(_BLANK):
            columns = 0
        elif _is_delimiter_row(line):
            columns = max(columns, len(_DASHES.findall(line)))
        cells += columns
    return cells


def _is_delimiter_row(line: str) -> bool:
    """Dashes alone underline a heading."""
    return _DELIMITER_ROW.fullmatch(line) is not None and bool(line.strip(_BLANK + "-"))


def count_rescanned(html: str) -> int:
    """See MAX_RESCANNED; 0xC2 is the first byte of those letters, and of no other."""
    return sum(
        len(part) * (part.count(b"&") + part.count(b"\xc2")) for part in html.encode().split(b"<")
    )
