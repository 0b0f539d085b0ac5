"""Finds the line that introduces quoted mail: 'On 3 May at 10:00, Ann <a@example.com> wrote:'."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from incoming_email.parsing.replies.names import (
    MAX_NAME,
    PRONOUNS,
    can_be_name,
    ends_in_name,
    is_dated_name,
    is_name,
    stands_alone_after_date,
)
from incoming_email.parsing.replies.vocabulary import LEAD, WROTE, WROTE_AT_END
from incoming_email.parsing.text.matching import is_quote, plain

MAX_LINES = 4
"""Programs wrap an attribution at 72 columns; longer ones than four lines were never seen."""

MAX_LENGTH = 400

_ADDRESS = re.compile(r"(?<![^\s@<>()\[\]])[^\s@<>()\[\]]+@[^\s@<>()\[\]]*[^\W_]")
_ENCLOSED_ADDRESS = re.compile(r"[<(\[]\s?(?:mailto:)?\s?[^\s@<>()\[\]]+@[^\s@<>()\[\]]+\s?")
_ADDRESS_FIRST = re.compile(r"[^@]{0,80}@")
_ADDRESS_LAST = re.compile(r"@[^\s@]*[\s>)\]\"']*$")
_NUMERIC_DATE = re.compile(r"\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_NUMBER = re.compile(r"\d+")
_TIME = re.compile(
    r"(?<!\d)\d{1,2}\s?[:.h時时点點시]\s?\d{2}(?!\d)|\d\s?(?:[ap]\.?m\b|時|时|点|點|시)"
)
_ISO_ADDRESS = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}\s[^@]{0,80}<[^\s<>]+@[^\s<>]+>$")
_GMAIL_ISO = re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d gmt[+-]\d\d:\d\d \S.{0,60}$")
_QUOTING = re.compile(
    r"(?:quoting|zitat von|zitiere|citando(?: a)?|citat (?:från|fra)|cytowanie|citation de|"
    r"цитирование) .{0,100}@[^\s@]+:$"
    r"|wiadomość napisana przez .{1,100}@.{1,60}\d:$"
    r"|excerpts from .{1,100} message of .{1,60}\d(?: ?[ap]m)?:$"
)
_QUOTING_DATE = re.compile(r"quoting .{1,100} \(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?\):?$")
_BARE = (_ISO_ADDRESS, _GMAIL_ISO, _QUOTING_DATE)
"""Gmail once printed '2013/7/20 Ann <ann@example.com>' with neither verb nor colon."""

_TUTA = re.compile(
    r"(?:\w{3,9}\.? \d{1,2}, \d{4}|\d{1,2}\.? \w{3,9}\.? \d{4}), \d{1,2}:\d\d(?: [ap]m)? "
    r"(?:by|von|par|por|da|door|av|przez|от|від) \S+@\S+:$"
)
"""Tuta: '15 Nov 2021, 19:42 by ann@example.com:'."""

_LONGEST_END = 45
"""Characters at the end that contain the verb and what may follow it."""

_EDGES = " :：()"
_QUOTING_BEGINS = ("quoting ", "excerpts from ")
_DASHED = re.compile(r"-{2,} ?(?P<inner>\S.*\S) ?-{2,}$")
_INLINE = re.compile(
    r"(?:-{2,}\s*)?(?<![^\W_])(?:on|am|le|el|em|il|op|den)\s+"
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s|[a-z]{3,9}\.?\s\d|\d)"
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What may be an attribution, in two views of the same length."""

    text: str
    lowered: str
    ends_colon: bool
    quote_follows: bool

    @classmethod
    def read(cls, text: str, *, quote_follows: bool) -> Self:
        text = text.replace("İ", "I")  # the one letter that has two in lower case
        return cls(text, text.lower(), text.endswith((":", "：")), quote_follows)


def find_attribution(plain_lines: Sequence[str], start: int) -> int:
    """How many lines from `start` on are one attribution; 0 if none is."""
    joined = plain_lines[start]
    if len(joined) > MAX_LENGTH or not _may_begin(joined):
        return 0
    for count in range(1, MAX_LINES + 1):
        if is_attribution(joined, quote_follows=_quote_follows(plain_lines, start + count)):
            return count
        following = plain_lines[start + count] if start + count < len(plain_lines) else ""
        joined = f"{joined} {following}"
        if not following or len(joined) > MAX_LENGTH:
            return 0
    return 0


def find_inline_attribution(line: str, plain_lines: Sequence[str], next_line: int) -> int:
    """Where an attribution begins in a line that also holds the reply's last words; 0 if nowhere.

    Some programs lose the line break between both; only a quote right after makes it sure.
    """
    lowered = line[:MAX_LENGTH].lower()
    if len(lowered) != len(line) or "@" not in lowered or LEAD.match(lowered):
        return 0
    start = 0
    for found in _INLINE.finditer(lowered):
        start = found.start()
    if line[:start].strip("\\ ") and _quote_follows(plain_lines, next_line):
        rest = plain(line[start:]).lstrip("- ")
        if is_attribution(rest, quote_follows=True):
            return start
    return 0


def is_attribution(text: str, *, quote_follows: bool) -> bool:
    """Whether `text`, a plain line or several joined by blanks, introduces quoted mail."""
    line = _Candidate.read(text, quote_follows=quote_follows)
    dashed = _DASHED.match(line.lowered)
    if dashed is not None:
        return _is_dashed_attribution(dashed["inner"].strip("-: "))
    verb_at_end = WROTE_AT_END.search(line.lowered, max(len(text) - _LONGEST_END, 0))
    if not line.ends_colon and verb_at_end is None:
        return any(pattern.match(line.lowered) for pattern in _BARE)
    if verb_at_end is not None:
        return _introduces(line, verb_at_end.start())
    verb = WROTE.search(line.lowered)
    return (
        _QUOTING.match(line.lowered) is not None
        or (verb is None and _is_verbless(line))
        or (verb is not None and _introduces_before_name(line, verb))
        or (quote_follows and _is_name_with_date(line))
    )


def _may_begin(first: str) -> bool:
    if "@" in first or "<" in first or first.startswith("--"):
        return True
    lowered = first.lower()
    if LEAD.match(lowered) or _has_date_and_time(lowered):
        return True
    return lowered.startswith(_QUOTING_BEGINS) or bool(
        lowered.endswith((":", "：")) and WROTE.search(lowered)
    )


def _quote_follows(plain_lines: Sequence[str], start: int) -> bool:
    """Whether the next line with text, at most three lines on, is a quote."""
    for line in plain_lines[start : start + 3]:
        if line:
            return is_quote(line)
    return False


def _is_dashed_attribution(inner: str) -> bool:
    """Zoho and Samsung print '---- On …, Ann <…> wrote ----', old Androids '-- Ann wrote --'."""
    return WROTE_AT_END.search(inner, max(len(inner) - _LONGEST_END, 0)) is not None


def _introduces(line: _Candidate, verb: int) -> bool:
    """'…, Ann <ann@example.com> wrote:'."""
    text, before = line.text[:verb].rstrip(), line.lowered[:verb].rstrip()
    if line.ends_colon and _has_date_and_time(before) and is_dated_name(text):
        return True
    if line.ends_colon and line.quote_follows and is_name(text):
        return True
    dated = has_date(before)
    if _ADDRESS.search(before):
        if _ADDRESS_LAST.search(before):
            alone = " " not in before or _ENCLOSED_ADDRESS.search(before) is not None
            return dated or (line.ends_colon and alone)
        named_first = _ADDRESS_FIRST.match(before) is not None
        return dated and (named_first or LEAD.match(before) is not None)
    if before.rpartition(" ")[2] in PRONOUNS or LEAD.match(before) is None:
        return False
    return dated and line.ends_colon and (line.quote_follows or ends_in_name(text))


def _introduces_before_name(line: _Candidate, verb: re.Match[str]) -> bool:
    """'Am 3.5.2024 schrieb Ann <a@example.com>:', 'Ann <a@example.com> schrieb am 3.5.2024:'."""
    before, after = line.lowered[: verb.start()].rstrip(), line.lowered[verb.end() :].strip(_EDGES)
    if _ADDRESS_LAST.search(before):
        named = line.quote_follows or LEAD.match(before) or can_be_name(line.text[: verb.start()])
        return bool(named) and (has_date(line.lowered) or bool(_TIME.search(line.lowered)))
    if not has_date(before) and has_date(after) and LEAD.match(after) is not None:
        return len(before.split()) <= MAX_NAME and before.split(" ", 1)[0] not in PRONOUNS
    if LEAD.match(before) is None:
        return False
    if _ADDRESS.search(after):
        return has_date(before) or _TIME.search(before) is not None
    words = after.split()
    if not words or len(words) > MAX_NAME + 2 or words[0] in PRONOUNS or not has_date(before):
        return False
    return line.quote_follows or can_be_name(line.text[verb.end() :])


def _is_verbless(line: _Candidate) -> bool:
    """'30.09.2024, 18.30, "Ann" <ann@example.com>:', and languages that the tables lack."""
    if _TUTA.match(line.lowered):
        return True
    address = _ENCLOSED_ADDRESS.search(line.lowered)
    if address is None or not has_date(line.lowered):
        return False
    if not (line.quote_follows or stands_alone_after_date(line.text[: address.start()])):
        return False
    if _TIME.search(line.lowered) is not None:
        return True
    address_last = _ADDRESS_LAST.search(line.lowered.rstrip(":： ")) is not None
    return LEAD.match(line.lowered) is not None and address_last


def _is_name_with_date(line: _Candidate) -> bool:
    """'15/11/2021 19:42, Ann Example:'."""
    return _has_date_and_time(line.lowered) and is_dated_name(line.text, fewest_words=2)


def _has_date_and_time(lowered: str) -> bool:
    return _TIME.search(lowered) is not None and has_date(lowered)


def has_date(text: str) -> bool:
    """Whether `text` contains a date: all numeric, or a year next to another number."""
    if _NUMERIC_DATE.search(text):
        return True
    if _YEAR.search(text):
        return len(_NUMBER.findall(text)) > 1
    return _TIME.search(text) is not None and LEAD.match(text) is not None and "@" in text
