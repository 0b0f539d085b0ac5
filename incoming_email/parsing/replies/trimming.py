"""Decides, from what each line of a mail is, which lines the reader should see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from incoming_email.parsing.replies.attributions import find_attribution, find_inline_attribution
from incoming_email.parsing.replies.header_blocks import is_header_block
from incoming_email.parsing.replies.line_classes import Line
from incoming_email.parsing.replies.mail_lines import Mail
from incoming_email.parsing.replies.signatures import find_own_lines, is_machine_line
from incoming_email.parsing.text import marks
from incoming_email.parsing.text.matching import unquote

_FEW_LINES = 12
"""An attribution within a quote is among its first lines."""

LONG_ANSWER = 7
"""From this many lines on, an answer below a quote keeps the quote above it, to be understood."""


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring lines of one sort; `start` to `end` without the attribution above a quote."""

    is_quote: bool
    start: int
    end: int
    introduced: bool = False
    """Whether an attribution or a header block says that the quote is an earlier mail."""

    own: tuple[int, ...] = ()
    """Lines with text that is neither signature nor footer; none for a quote."""


@dataclass(slots=True)
class _Layout:
    """The parts of a mail in order, and where it ends or turns into a forwarded message."""

    parts: list[Part] = field(default_factory=list)
    end: int = 0
    forward: int | None = None
    shortened: dict[int, str] = field(default_factory=dict)


def find_kept(mail: Mail, *, bare_quotes_are_old: bool) -> dict[int, str]:
    """The lines to keep by their number; a line is shorter if an attribution shared it."""
    layout = _lay_out(mail)
    kept = set(_choose(mail, layout, bare_quotes_are_old=bare_quotes_are_old))
    if layout.forward is not None:
        kept.update(range(layout.forward, len(mail.lines)))
    return {
        number: layout.shortened.get(number, mail.lines[number])
        for number in _with_blanks(mail, kept)
    }


def find_forward(mail: Mail) -> int | None:
    """Where a forwarded message begins, which goes on to the end."""
    return _lay_out(mail).forward


def _lay_out(mail: Mail) -> _Layout:
    layout = _Layout(end=len(mail.lines), shortened=dict(_split_shared_lines(mail)))
    introduced = has_text = False
    last = -1
    for start, end, kind in _runs(mail.classes):
        old = kind is Line.ATTRIBUTION and not _quote_next(mail, end)
        if kind is Line.FORWARD or (kind is Line.HISTORY and not has_text):
            layout.forward = layout.end = start
            break
        if kind is Line.HISTORY or (old and has_text):
            layout.end = start
            break
        if kind is Line.QUOTE:
            introduced = introduced or last in layout.shortened
            layout.parts.append(
                Part(True, start, end, introduced or _introduces_itself(mail, start, end))
            )
        elif kind is Line.TEXT:
            own = find_own_lines(mail, start, end, text_above=has_text)
            last = own[-1] if own else last
            has_text = has_text or not all(is_machine_line(mail, number) for number in own)
            layout.parts.append(Part(False, start, end, own=own))
        introduced = kind is Line.ATTRIBUTION and not old
    return layout


def _split_shared_lines(mail: Mail) -> Iterator[tuple[int, str]]:
    """Lines that end in an attribution, without it."""
    texts = [at for at, line in enumerate(mail.classes) if line is not Line.BLANK]
    for at, following in pairwise(texts):
        if mail.classes[at] is Line.TEXT and mail.classes[following] is Line.QUOTE:
            start = find_inline_attribution(mail.lines[at], mail.plain, at + 1)
            if start:
                yield at, mail.lines[at][:start].rstrip()


def _runs(classes: Sequence[Line]) -> Iterator[tuple[int, int, Line]]:
    """Adjacent lines of one class; blank lines belong to what is above them."""
    start, kind = 0, Line.TEXT
    for at, line in enumerate(classes):
        sort = Line.TEXT if line is Line.CODE else line
        if sort is Line.BLANK or (sort is kind and sort is not Line.HISTORY):
            continue
        if at > start:
            yield start, at, kind
        start, kind = at, sort
    if start < len(classes):
        yield start, len(classes), kind


def _quote_next(mail: Mail, at: int) -> bool:
    return at < len(mail.classes) and mail.classes[at] is Line.QUOTE


def _introduces_itself(mail: Mail, start: int, end: int) -> bool:
    """Whether the attribution is within the quote: '> On … wrote:'."""
    inner = [unquote(line) for line in mail.plain[start : min(end, start + _FEW_LINES)]]
    while inner and not inner[0]:
        inner.pop(0)
    if not inner:
        return False
    if marks.QUOTE in inner[0]:
        return True
    return bool(find_attribution(inner, 0)) or is_header_block(inner, 0)


def _with_blanks(mail: Mail, kept: set[int]) -> Iterator[int]:
    """The numbers `kept`, and those of the blank lines below a kept one."""
    keeping = False
    for number, line in enumerate(mail.classes):
        if line is not Line.BLANK or number in kept:
            keeping = number in kept
        if keeping:
            yield number


def _choose(mail: Mail, layout: _Layout, *, bare_quotes_are_old: bool) -> Iterator[int]:
    parts = layout.parts
    if not any(part.own for part in parts):
        yield from _without_own_text(mail, layout)
        return
    last = max(at for at, part in enumerate(parts) if part.own)
    answers = _is_interleaved(parts)
    stays = _answers_at_length(parts[: last + 1])
    for part in parts[: last + 1]:
        if not part.is_quote:
            yield from part.own
        elif answers or stays or not part.introduced:
            yield from range(part.start, part.end)
    if not bare_quotes_are_old:
        for part in takewhile(lambda part: not part.introduced, parts[last + 1 :]):
            yield from range(part.start, part.end) if part.is_quote else ()


def _is_interleaved(parts: Sequence[Part]) -> bool:
    """Whether there is text between two quotes: point by point answers need their questions."""
    quotes = [at for at, part in enumerate(parts) if part.is_quote]
    return any(
        any(part.own for part in parts[first + 1 : second]) for first, second in pairwise(quotes)
    )


def _answers_at_length(parts: Sequence[Part]) -> bool:
    """Whether a long text follows a quote in the middle."""
    for at, part in enumerate(parts):
        if part.is_quote:
            above = any(before.own for before in parts[:at])
            return above and sum(len(after.own) for after in parts[at:]) >= LONG_ANSWER
    return False


def _without_own_text(mail: Mail, layout: _Layout) -> Iterator[int]:
    """What to show of a mail without text of its own: never nothing, unless all is old mail."""
    if layout.forward is not None:
        return
    quotes = [part for part in layout.parts if part.is_quote]
    texts = [part for part in layout.parts if not part.is_quote]
    numbers = [number for part in texts for number in range(part.start, part.end)]
    personal = any(mail.plain[number] and not is_machine_line(mail, number) for number in numbers)
    if personal or not any(part.introduced for part in quotes):
        yield from numbers
    if not personal and not any(part.introduced for part in quotes):
        for part in quotes:
            yield from range(part.start, part.end)
