"""Finds the line below which a mail is likely another's, in languages and forms not in the tables.

Looser than the rules by which text is kept or cut: nothing is cut at such a line, only no command
is read below it. A wrong guess costs the writer a command, and the writer is told; a missed one
would let a stranger command in the name of who forwards the mail.
"""

import re
from collections.abc import Collection, Iterator

from incoming_email.parsing.replies.attributions import has_date
from incoming_email.parsing.replies.header_blocks import find_header_name, is_header_block
from incoming_email.parsing.replies.line_classes import Line
from incoming_email.parsing.replies.mail_lines import Mail
from incoming_email.parsing.replies.names import PRONOUNS
from incoming_email.parsing.replies.vocabulary import HEADER_ROLES, WROTE_AT_END, Role

_SEAM = re.compile(
    r"(?P<mark>[-=—–─━═−－])(?P=mark){2,} ?(?!(?P=mark))\S.{0,200}(?P=mark){3}"
    r"|(?P<drawn>[#~+])(?P=drawn){3,} ?(?!(?P=drawn))\S.{0,200}(?P=drawn){4}"
    r"|_{10,}"
    r"|[^>].{0,99}-{3} ?\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b[^-]{0,20}-{3}.*"
    r"|[^>].{0,200}\d.{0,20} >>>"
)
"""'----- Forwarded message from Ann <a@example.com> -----' in any language, the same drawn with
'####', Outlook's rule, Lotus Notes' 'Ann ---01/31/2024 10:00:00 AM---Hello' and GroupWise's
'Ann <a@example.com> 1/31/2024 10:00 AM >>>'."""

_BROKEN_SEAM = re.compile(r"-{5,} ?[^ -].{0,200}")
"""Its first line, where a mail program has broken it."""

_FIELD = re.compile(r"\W{0,3}(?P<name>[^\W\d_][^:：\d/@<>]{0,39}?) ?[:：](?!//)")
_MOST_WORDS = 4
_LEAST_FIELDS = 3
_ADDRESS = re.compile(r"[^\s@<>]@[^\s@<>]")

_BARE_BLOCK = 9
"""Lines of a block of Lotus Notes from 'To' to 'Subject', each with its value on the line below."""

_LONGEST_END = 45
_OWN_MAILS = re.compile(
    r"(?:opened (?:an issue|a merge request)|wrote an internal note"
    r"|님이 (?:(?:내부 댓글을 )?썼습니다|(?:이슈를|병합 요청을) 열었습니다)):$"
)
"""The first line of our own notifications, which may be pasted without marks."""


def find_seam(mail: Mail, kept: Collection[int]) -> int | None:
    """The first of the lines `kept` that looks like the top of another mail, whatever the subject
    says; or an attribution that was cut, where no quote is below it. Linear."""
    blocks = set(_find_blocks(mail))
    seams = (
        at
        for at, kind in enumerate(mail.classes)
        if (at in kept and (at in blocks or _is_top(mail, at)))
        or (kind is Line.ATTRIBUTION and introduces_text(mail, at))
    )
    return next(seams, None)


def is_drawn(mail: Mail, at: int) -> bool:
    """Whether the line, or it and the next one together, is a rule with words in it."""
    line = mail.plain[at]
    if _SEAM.fullmatch(line):
        return True
    below = mail.plain[at + 1] if at + 1 < len(mail.plain) else ""
    broken = below.endswith("-----") and _BROKEN_SEAM.fullmatch(line)
    return bool(broken and _SEAM.fullmatch(f"{line} {below}"))


def introduces_text(mail: Mail, at: int) -> bool:
    """Whether the line says that somebody wrote what is below, and no quote is."""
    if mail.classes[at] is Line.TEXT:
        if not _says_who_wrote(mail.plain[at]):
            return False
    elif mail.classes[at] is not Line.ATTRIBUTION:
        return False
    below = range(at + 1, len(mail.classes))
    following = next((mail.classes[n] for n in below if mail.classes[n] is not Line.BLANK), None)
    return following not in (None, Line.QUOTE, Line.ATTRIBUTION)


def _is_top(mail: Mail, at: int) -> bool:
    if is_drawn(mail, at) or introduces_text(mail, at) or _is_bare_block(mail, at):
        return True
    return bool(find_header_name(mail.plain[at])) and is_header_block(mail.plain, at)


def _says_who_wrote(plain_line: str) -> bool:
    """'Ann wrote:' at the end of a line, but not 'I wrote:'."""
    if not plain_line.endswith((":", "：")):
        return False
    lowered = plain_line.lower()
    found = WROTE_AT_END.search(lowered, max(len(lowered) - _LONGEST_END, 0))
    found = found or _OWN_MAILS.search(lowered, max(len(lowered) - _LONGEST_END, 0))
    if found is None:
        return False
    before = lowered[: found.start()].split()
    return not before or before[-1] not in PRONOUNS


def _find_blocks(mail: Mail) -> Iterator[int]:
    """The first lines of header blocks in any language: three neighbouring lines 'name: value', of
    which one holds an address or a date, or the first names that are known are a mail's.

    Not within a block of code, where people show a configuration or a log.
    """
    start = count = 0
    holds = False
    roles: set[Role] = set()
    for at, line in enumerate(mail.plain):
        found = _FIELD.match(line) if mail.classes[at] is Line.TEXT else None
        if found is not None and len(found["name"].split()) <= _MOST_WORDS:
            if not count:
                start, holds, roles = at, False, set()
            count += 1
            roles |= HEADER_ROLES.get(find_header_name(line), frozenset())
        elif not (count and _is_continued(mail, at)):
            count = 0
            continue
        holds = holds or _ADDRESS.search(line) is not None or has_date(line.lower())
        known = Role.SENDER in roles and len(roles) > 1
        if count >= _LEAST_FIELDS and (holds or known):
            yield start


def _is_continued(mail: Mail, at: int) -> bool:
    """A list of recipients is broken; a folded header line begins with a blank."""
    if mail.classes[at] is not Line.TEXT:
        return False
    return _ADDRESS.search(mail.plain[at]) is not None or mail.lines[at][:1] in {" ", "\t"}


def _is_bare_block(mail: Mail, at: int) -> bool:
    if Role.TO not in _bare_roles(mail.plain[at]):
        return False
    return any(Role.SUBJECT in _bare_roles(line) for line in mail.plain[at : at + _BARE_BLOCK])


def _bare_roles(plain_line: str) -> frozenset[Role]:
    return HEADER_ROLES.get(plain_line.lower(), frozenset())
