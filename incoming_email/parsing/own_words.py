"""Keeps commands in words of others from acting: quoted history, signatures, forwarded mail."""

import re
from collections.abc import Iterator

from incoming_email.parsing.mail_lines import parse_lines
from incoming_email.parsing.replies import MAX_CHARACTERS, MAX_LINES
from incoming_email.parsing.trimming import find_forward

_COMMAND = re.compile(r"^/(?=[A-Za-z])", re.MULTILINE)


def make_others_inert(text: str, reply: str) -> str:
    """`text` with a backslash before each slash that begins a line which the sender did not write.

    `reply` is what the sender wrote, as `split_reply` made it of the same text; of that, a
    forwarded message at its end is another's. Markdown shows no backslash. Pure and linear.
    """
    if not _COMMAND.search(text):
        return text
    lines = text.split("\n")
    marked = zip(lines, _find_own(lines, reply), strict=True)
    return "\n".join(line if own else _COMMAND.sub(r"\\/", line) for line, own in marked)


def _find_own(lines: list[str], reply: str) -> Iterator[bool]:
    """The lines of the reply stand among the others in their order: the first that fits is it."""
    written = _cut_forward(reply.split("\n"))
    known = set(lines)
    wanted = iter([line for line in written if line in known and line.strip()])
    following = next(wanted, None)
    for line in lines:
        own = line == following
        yield own
        if own:
            following = next(wanted, None)


def _cut_forward(lines: list[str]) -> list[str]:
    """The sender's words above a forwarded message; of a text too long to be read, none."""
    if len(lines) > MAX_LINES or sum(map(len, lines)) > MAX_CHARACTERS:
        return []
    start = find_forward(parse_lines(dict(enumerate(lines)), {}))
    return lines[:start]
