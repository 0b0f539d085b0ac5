"""Which lines of a mail's text others wrote: quoted history, signatures, forwarded mail."""

import re
from collections.abc import Sequence

from incoming_email.parsing.replies.header_blocks import find_header_name, is_header_block
from incoming_email.parsing.replies.mail_lines import parse_lines
from incoming_email.parsing.replies.splitting import MAX_CHARACTERS, MAX_LINES, Split
from incoming_email.parsing.replies.trimming import find_forward
from incoming_email.parsing.text.matching import plain
from incoming_email.parsing.types import OthersLines

_LINE_END = re.compile(r"\r\n|\r|\n")
_SEAM = re.compile(
    r"(?P<mark>[-=—–─━═])(?P=mark){2,} ?(?!(?P=mark))\S.{0,200}(?P=mark){3}"
    r"|_{10,}"
)
"""'----- Forwarded message from Ann <a@example.com> -----' in any language, and Outlook's rule."""

_BROKEN_SEAM = re.compile(r"-{5,} ?[^ -].{0,200}")
"""Its first line, where a mail program has broken it."""

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
    length = len(lines) if own_length is None else own_length
    written = [number for number in split.numbers[: _find_end(kept)] if number < length]
    own = {at for at, line in zip(written, kept, strict=False) if line == lines[at]}
    others = {at for at, line in enumerate(lines) if line.strip() and at not in own}
    endings = {at for at in others if lines[at].strip(_MARKS)}
    in_reply = (at for at, line in enumerate(kept) if line.strip() and at >= len(written))
    return (
        OthersLines(tuple(sorted(others)), tuple(at for at in sorted(own) if at - 1 in endings)),
        OthersLines(
            tuple(in_reply), tuple(at for at, place in enumerate(written) if place - 1 in endings)
        ),
    )


def _find_end(kept: Sequence[str]) -> int:
    """Where a forwarded message begins in what the sender wrote; of a text too long to be read,
    the first line."""
    if len(kept) > MAX_LINES or sum(map(len, kept)) > MAX_CHARACTERS:
        return 0
    forward = find_forward(parse_lines(dict(enumerate(kept)), {}))
    seams = (at for at in (forward, _find_seam(kept)) if at is not None)
    return min(seams, default=len(kept))


def _find_seam(lines: Sequence[str]) -> int | None:
    """The first line that looks like the top of another mail, whatever the subject says.

    Looser than the rules by which text is kept or cut: what stands below it is kept and shown, and
    is not read for commands. A wrong guess costs the writer a command; a missed one would let a
    stranger command in the name of who forwards the mail.
    """
    plain_lines = [plain(line) for line in lines]
    for at, line in enumerate(plain_lines):
        if _is_seam(plain_lines, at):
            return at
        if find_header_name(line) and is_header_block(plain_lines, at):
            return at
    return None


def _is_seam(plain_lines: Sequence[str], at: int) -> bool:
    line = plain_lines[at]
    if _SEAM.fullmatch(line):
        return True
    below = plain_lines[at + 1] if at + 1 < len(plain_lines) else ""
    broken = below.endswith("-----") and _BROKEN_SEAM.fullmatch(line)
    return bool(broken and _SEAM.fullmatch(f"{line} {below}"))
