"""Finds the line that introduces quoted mail: 'On 3 May at 10:00, Ann <a@example.com> wrote:'."""

import re
from collections.abc import Sequence

from incoming_email.parsing.matching import is_quote, plain
from incoming_email.parsing.vocabulary import LEAD, WROTE, WROTE_AT_END

MAX_LINES = 4
"""Programs wrap an attribution at 72 columns; longer ones than four lines were never seen."""

MAX_LENGTH = 400

_ADDRESS = re.compile(r"[^\s@<>()\[\]]+@[^\s@<>()\[\]]*[^\W_]")
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
    r"(?:quoting|zitat von|zitiere|citando|citat från|citat fra) .{0,100}@[^\s@]+:$"
)
_LONGEST_END = 45
"""Characters at the end within which the verb and what may follow it stand."""

_MAX_NAME = 4
"""Words of a person's name."""
_PRONOUNS = frozenset({
    *("i", "he", "she", "we", "they", "it", "ich", "er", "sie", "wir", "du", "man", "je", "il"),
    *("elle", "nous", "on", "yo", "él", "ella", "nosotros", "eu", "ele", "ela", "io", "lui", "lei"),
    *("noi", "ik", "hij", "zij", "wij", "jag", "han", "hon", "vi", "jeg", "hun", "ja", "ona", "my"),
    *("я", "он", "она", "мы"),
})  # fmt: skip
_DASHED = re.compile(r"-{2,} ?(?P<inner>\S.*\S) ?-{2,}$")
_INLINE = re.compile(
    r"(?:-{2,}\s*)?(?<![^\W_])(?:on|am|le|el|em|il|op|den)\s+"
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s|[a-z]{3,9}\.?\s\d|\d)"
)


def find_attribution(plain_lines: Sequence[str], start: int) -> int:
    """How many lines from `start` on are one attribution; 0 if none is."""
    joined = plain_lines[start]
    if not _may_begin(joined):
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
    if start and _quote_follows(plain_lines, next_line):
        rest = plain(line[start:]).lstrip("- ")
        if is_attribution(rest, quote_follows=True):
            return start
    return 0


def is_attribution(text: str, *, quote_follows: bool) -> bool:
    """Whether `text`, a plain line or several joined by blanks, introduces quoted mail."""
    lowered = text.lower()
    dashed = _DASHED.match(lowered)
    if dashed is not None:
        return _is_dashed_attribution(dashed["inner"])
    ends_colon = lowered.endswith((":", "："))
    verb_at_end = WROTE_AT_END.search(lowered, max(len(lowered) - _LONGEST_END, 0))
    if not ends_colon and verb_at_end is None:
        return _is_bare_attribution(lowered)
    if verb_at_end is not None:
        if quote_follows and ends_colon and _is_name(text[: verb_at_end.start()]):
            return True
        return _introduces(lowered, verb_at_end.start(), ends_colon=ends_colon)
    verb = WROTE.search(lowered)
    if verb is not None:
        return _introduces_before_name(lowered, verb)
    return _is_verbless(lowered) or _QUOTING.match(lowered) is not None


def _is_name(text: str) -> bool:
    """'Ann Example': few words, each with a capital first."""
    words = text.split()
    if not words or len(words) > _MAX_NAME or words[0].lower() in _PRONOUNS:
        return False
    return all(word[0].isupper() for word in words)


def _may_begin(first: str) -> bool:
    if "@" in first or "<" in first or first.startswith("--"):
        return True
    lowered = first.lower()
    return bool(LEAD.match(lowered) or (lowered.endswith((":", "：")) and WROTE.search(lowered)))


def _quote_follows(plain_lines: Sequence[str], start: int) -> bool:
    """Whether the next line with text, at most three lines on, is a quote."""
    for line in plain_lines[start : start + 3]:
        if line:
            return is_quote(line)
    return False


def _is_dashed_attribution(inner: str) -> bool:
    """Zoho and Samsung print '---- On …, Ann <…> wrote ----', old Androids '-- Ann wrote --'."""
    return WROTE_AT_END.search(inner) is not None and len(inner) < MAX_LENGTH


def _is_bare_attribution(lowered: str) -> bool:
    """Gmail once printed '2013/7/20 Ann <ann@example.com>' with neither verb nor colon."""
    return bool(_ISO_ADDRESS.match(lowered) or _GMAIL_ISO.match(lowered))


def _introduces(lowered: str, verb: int, *, ends_colon: bool) -> bool:
    """'…, Ann <ann@example.com> wrote:'."""
    before = lowered[:verb].rstrip()
    dated = _has_date(before)
    if _ADDRESS.search(before):
        if _ADDRESS_LAST.search(before):
            alone = " " not in before or _ENCLOSED_ADDRESS.search(before) is not None
            return dated or (ends_colon and alone)
        named_first = _ADDRESS_FIRST.match(before) is not None
        return dated and (named_first or LEAD.match(before) is not None)
    if before.rpartition(" ")[2] in _PRONOUNS or LEAD.match(before) is None:
        return False
    return dated and ends_colon


def _introduces_before_name(lowered: str, verb: re.Match[str]) -> bool:
    """'Am 3.5.2024 schrieb Ann <a@example.com>:', 'Ann <a@example.com> schrieb am 3.5.2024:'."""
    before, after = lowered[: verb.start()].rstrip(), lowered[verb.end() :].strip(" :：")
    if _ADDRESS_LAST.search(before):
        return _has_date(lowered) or _TIME.search(lowered) is not None
    if not _has_date(before) and _has_date(after) and LEAD.match(after) is not None:
        return len(before.split()) <= _MAX_NAME and before.split(" ", 1)[0] not in _PRONOUNS
    if LEAD.match(before) is None:
        return False
    if _ADDRESS.search(after):
        return _has_date(before) or _TIME.search(before) is not None
    words = after.split()
    return (
        bool(words)
        and len(words) <= _MAX_NAME + 2
        and words[0] not in _PRONOUNS
        and _has_date(before)
    )


def _is_verbless(lowered: str) -> bool:
    """'30.09.2024, 18.30, "Ann" <ann@example.com>:', and languages that the tables lack."""
    address = _ENCLOSED_ADDRESS.search(lowered)
    if address is None or not _has_date(lowered):
        return False
    if _TIME.search(lowered) is not None:
        return True
    return (
        LEAD.match(lowered) is not None and _ADDRESS_LAST.search(lowered.rstrip(":： ")) is not None
    )


def _has_date(text: str) -> bool:
    """Whether a date stands in `text`: all numeric, or a year beside another number."""
    if _NUMERIC_DATE.search(text):
        return True
    if _YEAR.search(text):
        return len(_NUMBER.findall(text)) > 1
    return _TIME.search(text) is not None and LEAD.match(text) is not None and "@" in text
