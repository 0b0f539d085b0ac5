"""Which lines of a mail's text others wrote: quoted history, signatures, forwarded mail."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice

from incoming_email.parsing.replies.header_blocks import find_header_name, is_dated_block
from incoming_email.parsing.replies.line_classes import Line
from incoming_email.parsing.replies.mail_lines import Mail, parse_lines
from incoming_email.parsing.replies.seams import find_seam, introduces_text, is_drawn
from incoming_email.parsing.replies.splitting import MAX_CHARACTERS, MAX_LINES, Split
from incoming_email.parsing.replies.trimming import find_forward
from incoming_email.parsing.types import OthersLines

MAX_DOUBTFUL = 100
"""More lines that look like commands are not kept: the sender is told of fewer."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMAND = re.compile(r"(?:^|[\r\n])[\u200b\u2060\ufeff]*/[A-Za-z]")
"""A line that could be one; signs without width before it count for nothing."""

_MARKS = "> \t|"
"""A line of these alone is a blank one within a quote, and goes on nowhere."""


def find_others(
    text: str, split: Split, *, own_length: int | None = None
) -> tuple[OthersLines, OthersLines]:
    """The lines of the text, and of the reply that is a half of it, which the sender did not write;
    blank ones are nobody's. Looked for only where some line could be a command, which is all they
    matter for.

    A forwarded message at the end of the reply is another's. Only the first `own_length` lines of
    the text are the body that the sender wrote; None: all of them. Pure and linear.
    """
    if not _COMMAND.search(text):
        return OthersLines(), OthersLines()
    lines, kept = _LINE_END.split(text), _LINE_END.split(split.reply)
    mail = parse_lines(dict(enumerate(lines[:MAX_LINES])), {})
    length = len(mail.lines) if own_length is None else min(own_length, len(mail.lines))
    written = [number for number in split.numbers[: _find_end(kept)] if number < length]
    seam = find_seam(mail, frozenset(written))
    if seam is not None:
        written = written[: bisect_left(written, seam)]
    own = {at for at, line in zip(written, kept, strict=False) if line == lines[at]}
    others = {at for at, line in enumerate(lines) if line.strip() and at not in own}
    endings = {at for at in others if lines[at].strip(_MARKS)}
    in_reply = (at for at, line in enumerate(kept) if line.strip() and at >= len(written))
    doubtful = _find_doubtful(mail, own) if split.numbers else ()
    return (
        OthersLines(
            frozenset(others),
            frozenset(at for at in own if at - 1 in endings),
            doubtful,
        ),
        OthersLines(
            frozenset(in_reply),
            frozenset(at for at, place in enumerate(written) if place - 1 in endings),
            doubtful,
        ),
    )


def _find_end(kept: Sequence[str]) -> int:
    """Where a forwarded message begins in what the sender wrote; of a text too long to be read,
    the first line."""
    if len(kept) > MAX_LINES or sum(map(len, kept)) > MAX_CHARACTERS:
        return 0
    forward = find_forward(parse_lines(dict(enumerate(kept)), {}))
    return len(kept) if forward is None else forward


def _find_doubtful(mail: Mail, own: set[int]) -> tuple[str, ...]:
    """Lines that could be commands and are the sender's own if a guess was wrong: above the first
    mail of a known form, and neither quoted nor code."""
    found = (
        line
        for at, line in enumerate(mail.lines[: _find_known_top(mail)])
        if at not in own and mail.classes[at] is Line.TEXT and _COMMAND.match(line)
    )
    return tuple(islice(found, MAX_DOUBTFUL))


def _find_known_top(mail: Mail) -> int:
    """From where on all is plainly another mail. Such mails often hold commands, and nobody wants
    to be told of them at each answer."""
    has_text = False
    for at, kind in enumerate(mail.classes):
        if kind is Line.ATTRIBUTION:
            is_top = has_text and introduces_text(mail, at)
        elif kind is Line.HISTORY and find_header_name(mail.plain[at]):
            is_top = _is_known_block(mail, at)
        else:
            drawn = "@" in mail.plain[at] and is_drawn(mail, at)
            is_top = drawn or kind in {Line.HISTORY, Line.FORWARD}
        if is_top:
            return at
        has_text = has_text or kind is Line.TEXT
    return len(mail.lines)


def _is_known_block(mail: Mail, at: int) -> bool:
    """Programs put a blank line or a rule above a block; a person's own list may go on."""
    is_apart = at == 0 or not any(map(str.isalnum, mail.plain[at - 1]))
    return (is_apart or is_drawn(mail, at - 1)) and is_dated_block(mail.plain, at)
