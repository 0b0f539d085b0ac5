"""Which lines of a mail's text others wrote: quoted history, signatures, forwarded mail."""

import re
from collections.abc import Iterator

from incoming_email.parsing.replies.header_blocks import find_header_name, is_header_block
from incoming_email.parsing.replies.mail_lines import parse_lines
from incoming_email.parsing.replies.splitting import MAX_CHARACTERS, MAX_LINES
from incoming_email.parsing.replies.trimming import find_forward
from incoming_email.parsing.text.matching import plain

_LINE_END = re.compile(r"\r\n|\r|\n")
_SEAM = re.compile(r"\s*(?:-{3,}\s*[^\s-].{0,200}-{3,}|_{10,})\s*")
"""'----- Forwarded message from Ann <a@example.com> -----' in any language, and Outlook's rule."""

_COMMAND = re.compile(r"(?:^|[\r\n])/[A-Za-z]")


def find_others(text: str, reply: str) -> frozenset[int]:
    """Numbers, from 0, of the lines of `text` that the sender did not write; blank ones are
    nobody's. Looked for only where some line could be a command, which is all they matter for.

    `reply` is what the sender wrote, as `split_reply` made it of the same text; of that, a
    forwarded message at its end is another's. Pure and linear.
    """
    if not _COMMAND.search(text):
        return frozenset()
    lines = _LINE_END.split(text)
    marked = zip(lines, _find_own(lines, reply), strict=True)
    return frozenset(
        number for number, (line, own) in enumerate(marked) if not own and line.strip()
    )


def _find_own(lines: list[str], reply: str) -> Iterator[bool]:
    """The lines of the reply stand among the others in their order: the first that fits is it."""
    written = _cut_forward(_LINE_END.split(reply))
    known = set(lines)
    wanted = iter([line for line in written if line in known and line.strip()])
    following = next(wanted, None)
    for line in lines:
        own = line == following
        yield own
        if own:
            following = next(wanted, None)


def _cut_forward(lines: list[str]) -> list[str]:
    """The sender's text above a forwarded message; of a text too long to be read, none."""
    if len(lines) > MAX_LINES or sum(map(len, lines)) > MAX_CHARACTERS:
        return []
    forward = find_forward(parse_lines(dict(enumerate(lines)), {}))
    seams = (at for at in (forward, _find_seam(lines)) if at is not None)
    return lines[: min(seams, default=len(lines))]


def _find_seam(lines: list[str]) -> int | None:
    """The first line that looks like the top of another mail, whatever the subject says.

    Looser than the rules by which text is kept or cut: what stands below it is kept and shown, and
    is not read for commands. A wrong guess costs the writer a command; a missed one would let a
    stranger command in the name of who forwards the mail.
    """
    plain_lines = [plain(line) for line in lines]
    for at, line in enumerate(plain_lines):
        if _SEAM.fullmatch(line) or (find_header_name(line) and is_header_block(plain_lines, at)):
            return at
    return None
