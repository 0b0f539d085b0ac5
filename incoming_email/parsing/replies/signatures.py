"""Finds where, within a person's own lines, the signature and the footers begin."""

from collections.abc import Sequence

from incoming_email.parsing.replies.footers import (
    has_contact,
    is_disclaimer,
    is_mobile_footer,
    is_rule,
    is_signature_mark,
    is_underscore_rule,
)
from incoming_email.parsing.replies.line_classes import Line
from incoming_email.parsing.replies.mail_lines import Mail
from incoming_email.parsing.text import marks

MAX_SIGNATURE = 12
"""Lines with text below '--' or a line of underscores; more of them are a section, not a card."""

MAX_CARD = 6
"""Lines right below a plain rule such as '---'; a Markdown rule has a blank line there."""

SURE_MARKS = frozenset({"-- ", marks.SIGNATURE})
"""Below these all is signature, however long."""

MAX_CARD_WIDTH = 80
SENTENCE_ENDS = (".", "!", "?", ":", ";", ",", "。")
MAX_DISCLAIMER = 40
SHORTEST_RULE = 3


def find_own_lines(mail: Mail, start: int, end: int, *, text_above: bool) -> tuple[int, ...]:
    """Numbers of the lines with text from `start` to `end` that the person wrote."""
    stop = _find_stop(mail, start, end, text_above=text_above)
    numbers = [
        at
        for at in range(start, stop)
        if mail.classes[at] is Line.CODE
        or (mail.classes[at] is not Line.BLANK and not is_mobile_footer(mail.plain[at]))
    ]
    while numbers and _is_idle_rule(mail, numbers[-1]):
        numbers.pop()
    return tuple(numbers)


def _find_stop(mail: Mail, start: int, end: int, *, text_above: bool) -> int:
    """The first line of signature or footer, or `end`."""
    texts = [at for at in range(start, end) if mail.classes[at] is not Line.BLANK]
    for place, at in enumerate(texts):
        if mail.classes[at] is Line.TEXT and text_above and _begins_footer(mail, texts, place):
            return at
        text_above = text_above or not is_machine_line(mail, at)
    return end


def is_machine_line(mail: Mail, at: int) -> bool:
    """A rule or the footer of a phone: nothing that a person typed."""
    return is_rule(mail.lines[at]) or is_mobile_footer(mail.plain[at])


def _begins_footer(mail: Mail, texts: Sequence[int], place: int) -> bool:
    """Whether the lines `texts` from `place` on are all footer."""
    at, left = texts[place], len(texts) - place - 1
    line = mail.lines[at]
    if is_rule(line) or marks.SIGNATURE in line:
        if is_signature_mark(line):
            return line in SURE_MARKS or left <= MAX_SIGNATURE
        if is_underscore_rule(line):
            return left <= MAX_SIGNATURE
        card = 1 < left <= MAX_CARD and _is_card(mail, texts[place + 1 :])
        return card and texts[place + 1] == at + 1 and not _is_underline(mail, at)
    if is_mobile_footer(mail.plain[at]):
        return True
    return left <= MAX_DISCLAIMER and _begins_paragraph(mail, at) and is_disclaimer(mail.plain[at])


def _begins_paragraph(mail: Mail, at: int) -> bool:
    return at == 0 or not mail.plain[at - 1] or is_rule(mail.lines[at - 1])


def _is_card(mail: Mail, texts: Sequence[int]) -> bool:
    """Short lines, no sentences, one of them a telephone number, an address or a link."""
    below = [mail.plain[at] for at in texts]
    if any(len(line) > MAX_CARD_WIDTH or line.endswith(SENTENCE_ENDS) for line in below):
        return False
    return any(map(has_contact, below))


def _is_idle_rule(mail: Mail, at: int) -> bool:
    """A rule with nothing below it."""
    return mail.classes[at] is Line.TEXT and is_rule(mail.lines[at]) and not _is_underline(mail, at)


def _is_underline(mail: Mail, at: int) -> bool:
    """A Markdown heading: '===' or '---' as long as the text right above it."""
    rule = mail.lines[at].strip()
    if at == 0 or len(rule) < SHORTEST_RULE or set(rule) - {"=", "-"}:
        return False
    above = mail.plain[at - 1]
    return bool(above) and not is_rule(above) and abs(len(above) - len(rule)) <= SHORTEST_RULE
