"""Splits the text of a mail into what the person wrote and what the mail program added."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from incoming_email.parsing.replies.mail_lines import parse_lines
from incoming_email.parsing.replies.trimming import find_kept

MAX_CHARACTERS = 600_000
MAX_LINES = 20_000
"""What lies past either limit is not looked at: it goes where the last line seen went."""

MAX_PASSES = 8
"""Passes until nothing more is cut; real mail needs two, the second to see that."""


@dataclass(frozen=True, slots=True)
class Split:
    """The two halves of a body; together they hold every line of it, each in input order.

    Blank lines at either end of a half are left out; in `quoted` one separates what was not
    adjacent. A line that holds the end of the reply and the start of the attribution is whole in
    `quoted`, its first words in `reply`.
    """

    reply: str
    quoted: str
    numbers: tuple[int, ...] = field(default=(), compare=False)
    """Which line of the body, from 0, each line of the reply is; none for a body in HTML."""


def split_reply(text: str, *, bare_quotes_are_old: bool = True) -> Split:
    """Pure, and linear in the length of `text`.

    `bare_quotes_are_old`: whether a quote at the end that nothing introduces is history. It is in
    plain text; in Markdown made from HTML it is a citation that the person chose.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    seen = _count_seen(lines)
    texts = dict(enumerate(lines[:seen]))
    known: dict[int, str] = {}
    for _ in range(MAX_PASSES):
        numbers = list(texts)
        kept = find_kept(parse_lines(texts, known), bare_quotes_are_old=bare_quotes_are_old)
        fewer = {numbers[at]: line for at, line in kept.items()}
        if fewer == texts:
            break
        for number, line in fewer.items():
            if line != texts[number]:
                del known[number]
        texts = fewer
    if seen - 1 in texts:
        texts.update(enumerate(lines[seen:], start=seen))
    quoted = {number: line for number, line in enumerate(lines) if texts.get(number) != line}
    kept = _without_blank_ends(texts)
    return Split(
        reply="\n".join(kept.values()),
        quoted="\n".join(_without_blank_ends(dict(enumerate(_with_gaps(quoted)))).values()),
        numbers=tuple(kept),
    )


def _with_gaps(lines: dict[int, str]) -> list[str]:
    """`lines` with a blank one where others were between: no '--' may make a heading of them."""
    parted: list[str] = []
    last = -1
    for number, line in lines.items():
        if number > last + 1 and parted and parted[-1].strip() and line.strip():
            parted.append("")
        parted.append(line)
        last = number
    return parted


def _count_seen(lines: Sequence[str]) -> int:
    size = 0
    for count, line in enumerate(lines[:MAX_LINES]):
        size += len(line) + 1
        if size > MAX_CHARACTERS:
            return count + 1
    return min(len(lines), MAX_LINES)


def _without_blank_ends(lines: dict[int, str]) -> dict[int, str]:
    filled = [number for number, line in lines.items() if line.strip()]
    if not filled:
        return {}
    return {number: line for number, line in lines.items() if filled[0] <= number <= filled[-1]}
