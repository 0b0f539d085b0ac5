"""Who wrote the message that a person forwarded by hand, when, and about what.

A forward shows itself by the line above the old message ('---------- Forwarded message ---------'),
in the forms and languages of `vocabulary`. Outlook writes the same block above a reply and a
forward: there the subject decides.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from incoming_email.parsing.mime.author import find_author
from incoming_email.parsing.mime.dates import parse_date
from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.mime.mailboxes import parse_address
from incoming_email.parsing.replies.attributions import find_attribution
from incoming_email.parsing.replies.header_blocks import find_header_name, is_header_block
from incoming_email.parsing.replies.line_classes import is_forward_marker, is_original_marker
from incoming_email.parsing.replies.shown_dates import parse_shown_date
from incoming_email.parsing.replies.splitting import Split, split_reply
from incoming_email.parsing.replies.vocabulary import HEADER_ROLES, Role
from incoming_email.parsing.text.matching import is_quote, plain, unquote
from incoming_email.parsing.text.one_line import clean
from incoming_email.parsing.types import Forwarded

MAX_LINES = 3000
"""Lines that are looked at; a forward below that much text of one's own was never seen."""

MAX_BLOCK = 40
"""Lines of a header block, blank ones between its fields included."""

_LONGEST_MARKER = 200
_MARKER_ENDS = ("-", "_", "=", "*", "•", ":", "：")
_MAX_GAP = 3
"""Blank lines above the block, or between two of its fields."""

_PREFIX = re.compile(
    r"\W{0,3}(?:\[[^\[\]]{1,60}\]\s*)?[\[(]?"
    r"(?P<word>[^\W\d_]{1,20}(?: [^\W\d_]{1,20}){0,2})(?:\[\d+\])?\s*[:：)]"
)
_FORWARDS = frozenset({
    "fw", "fwd", "forward", "forwarded", "wg", "tr", "rv", "enc", "i", "doorst", "vb", "vs", "vl",
    "pd", "pren", "ilt", "i̇lt", "πρθ", "redir", "fs", "trs", "tov", "továbbítás", "пер", "пересл",
    "전달", "轉寄", "转发", "轉發", "転送", "回转", "הועבר", "إعادة توجيه", "bls fw", "chuyển tiếp",
})  # fmt: skip
_FINNISH_SENDER = "lähettäjä"
_ADDRESS = re.compile(r"[^\s@<>()\[\]\"',;|]+@[^\s@<>()\[\]\"',;|]+")
_AROUND_NAME = " \t<>([\"'“”„«»|:,;"


@dataclass(frozen=True, slots=True)
class Forward:
    forwarded: Forwarded
    split: Split | None = None
    """The body cut anew, where the rules of text took the forward for a reply."""


def is_forward_subject(subject: str) -> bool:
    """Whether its first prefix marks a forward: true for 'FW: RE: x', false for 'RE: FW: x'."""
    found = _PREFIX.match(subject)
    return found is not None and found["word"].lower() in _FORWARDS


def is_forward(headers: Headers) -> bool:
    """Whether the header alone marks a forward: Thunderbird's own field, or the subject. "VS:" says
    nothing, which in Finnish is a reply."""
    if headers.first("X-Forwarded-Message-Id"):
        return True
    subject = headers.text("Subject")
    return is_forward_subject(subject) and not subject.lstrip().lower().startswith("vs")


def find_forward(text: str, *, split: Split, subject: str, zone: tzinfo | None) -> Forward | None:
    """The forward in a body, of which `split` are the halves; `zone` is the sender's own."""
    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    marker = next(_find_markers(lines), None)
    if marker is not None and lines[marker] in split.reply:
        found = _read_block(lines, marker + 1, zone)
        return Forward(found[0]) if found else None
    if not is_forward_subject(subject):
        return None
    start = _find_block(lines)
    found = _read_block(lines, start, zone) if start is not None else None
    if start is None or found is None or _is_finnish_reply(subject, found[1]):
        return None
    whole = text.split("\n")
    start = _with_marker_above(whole, start)
    return Forward(found[0], _split_above(whole[:start], whole[start:]))


def read_attached_forward(headers: Headers) -> Forwarded:
    """Of a message that came as a file."""
    author = find_author(headers)
    date = parse_date(headers.first("Date"))
    return Forwarded(author.address, author.name, date, headers.text("Subject"))


def _find_markers(lines: Sequence[str]) -> Iterator[int]:
    """A marker in a quote counts only as its first line, as Apple Mail writes it in HTML."""
    in_quote = False
    for at, line in enumerate(lines):
        bare = line.rstrip()
        if not bare:
            continue
        quoted = is_quote(line)
        may_be = len(bare) <= _LONGEST_MARKER and bare.endswith(_MARKER_ENDS)
        if may_be and not (quoted and in_quote) and is_forward_marker(unquote(plain(bare))):
            yield at
        in_quote = in_quote or quoted


def _find_block(lines: Sequence[str]) -> int | None:
    """Where Outlook's block begins; None where an attribution or a quote comes first."""
    plain_lines = [plain(line) for line in lines]
    for at, line in enumerate(plain_lines):
        if line and find_header_name(line) and is_header_block(plain_lines, at):
            return at
        if is_quote(line) or (line and find_attribution(plain_lines, at)):
            return None
    return None


def _with_marker_above(lines: Sequence[str], start: int) -> int:
    """'-----Original Message-----' belongs to the block below it."""
    above = start - 1
    while above > 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and is_original_marker(plain(lines[above])) else start


def _read_block(
    lines: Sequence[str], start: int, zone: tzinfo | None
) -> tuple[Forwarded, str] | None:
    """The block, and the name of its line of the sender; None where it has no sender."""
    values: dict[Role, str] = {}
    sender_name, last, gap = "", None, 0
    for line in lines[start : start + MAX_BLOCK]:
        bare = _bare(line)
        if not bare:
            gap += 1
            if gap > _MAX_GAP:
                break
            continue
        name = find_header_name(bare)
        role = _role_of(name, values)
        value = bare.replace("：", ":", 1).partition(":")[2].strip()
        if role is not None:
            values[role] = value
            last = role
            sender_name = name if role is Role.SENDER else sender_name
        elif name:
            last = None
        elif last is not None and not gap and (not values[last] or "@" in bare):
            values[last] = f"{values[last]} {bare}".strip()
        else:
            break
        gap = 0
    sender = values.get(Role.SENDER, "")
    if not sender or len(values) == 1:
        return None
    address, shown_name = _read_person(sender)
    date = parse_shown_date(values.get(Role.SENT, ""), zone)
    return Forwarded(address, shown_name, date, clean(values.get(Role.SUBJECT, ""))), sender_name


def _bare(line: str) -> str:
    """Without quote marks, and without the bars of the table that Thunderbird makes."""
    bare = unquote(plain(line))
    if bare.startswith("|"):
        bare = " ".join(cell.strip() for cell in bare.strip("|").split("|"))
        return "" if not bare.strip(" -:") else bare.strip()
    return bare.strip()


def _role_of(name: str, values: dict[Role, str]) -> Role | None:
    """The first free one: 'de' and 'a' have several, in the languages together."""
    if not name or name == "reply-to":
        return None
    free = (role for role in Role if role in HEADER_ROLES[name] and role not in values)
    return next(free, None)


def _read_person(value: str) -> tuple[str, str]:
    """'Ann Doe <ann@example.com>', 'Ann [mailto:…]', or a name alone, as Outlook shows it."""
    found = list(_ADDRESS.finditer(value.replace("mailto:", " ")))
    if not found:
        return "", clean(value).strip(_AROUND_NAME)
    shown = value.replace("mailto:", " ")
    address = parse_address(found[-1][0].strip(".:"))
    name = shown[: found[0].start()].strip(_AROUND_NAME)
    return address, clean(name)


def _is_finnish_reply(subject: str, sender_name: str) -> bool:
    """'VS:' is a forward in Danish and Norwegian, a reply in Finnish."""
    return sender_name == _FINNISH_SENDER and subject.lstrip().lower().startswith("vs")


def _split_above(above: list[str], below: list[str]) -> Split:
    """The text above the forwarded message is cut as usual; the message itself stays whole."""
    split = split_reply("\n".join(above), bare_quotes_are_old=False)
    forward = "\n".join(below).rstrip()
    numbers = range(len(above), len(above) + forward.count("\n") + 1)
    if not split.reply:
        return Split(forward, split.quoted, tuple(numbers))
    gap = split.numbers[-1] + 1
    return Split(f"{split.reply}\n\n{forward}", split.quoted, (*split.numbers, gap, *numbers))
