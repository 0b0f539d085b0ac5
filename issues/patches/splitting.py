"""A file of patches as single mails, and back into the one form that `git am` reads."""

import re
from collections.abc import Sequence

from issues.patches.subjects import PatchTag, parse_subject

_DAY, _MONTH = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", rb"[A-Z][a-z]{2}"
_SEPARATOR = re.compile(
    rb"^From \S+ +" + _DAY + rb" +" + _MONTH + rb" +\d{1,2} +\d\d:\d\d(?::\d\d)?"
    rb"(?: +[+-]?\w{1,6})? +\d{4}(?: +[+-]\d{4})?[ \t]*\r?\n(?=[A-Za-z][A-Za-z0-9-]*:)",
    re.MULTILINE,
)
"""A real one has a date, and a header field after it: a sentence that starts with From has not."""

_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:")
_FIRST_LINE = b"From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
_ESCAPED = re.compile(rb"^(>*From )", re.MULTILINE)
_SUBJECT = re.compile(rb"^Subject:[ \t]*([^\r\n]{0,1000})", re.MULTILINE | re.IGNORECASE)
MAX_HEADER_BYTES = 65_536


def split_mailbox(content: bytes) -> list[bytes]:
    """The mails of an mbox, without their separator lines; a single mail is a list of one."""
    starts = list(_SEPARATOR.finditer(content))
    if not starts or content[: starts[0].start()].strip():
        return [content.lstrip(b"\r\n")] if not starts else _split_after_text(content)
    ends = [match.start() for match in starts[1:]] + [len(content)]
    return [content[match.end() : end] for match, end in zip(starts, ends, strict=True)]


def _split_after_text(content: bytes) -> list[bytes]:
    """A mail without a separator of its own comes before the first one."""
    start = next(_SEPARATOR.finditer(content)).start()
    return [content[:start].lstrip(b"\r\n"), *split_mailbox(content[start:])]


def find_separator(content: bytes) -> int:
    """Where the first mail of an mbox begins inside other text; -1 if none does."""
    match = _SEPARATOR.search(content)
    return match.start() if match else -1


def has_mail_header(mail: bytes) -> bool:
    """Header fields come first, and say who wrote it."""
    return b"from" in _fields(mail)


def _fields(mail: bytes) -> set[bytes]:
    names = set()
    for line in mail[:MAX_HEADER_BYTES].splitlines():
        match = _FIELD.match(line)
        if match:
            names.add(match[0][:-1].lower())
        elif not line.startswith((b" ", b"\t")) or not names:
            break
    return names


def to_mailbox(mails: Sequence[bytes], *, date: str) -> bytes:
    """One mbox in the form mboxrd, where `From ` at the start of a line is escaped.

    `date` is used for a mail that has none, so that the same mails make the same commits whenever
    they are applied.
    """
    pieces = []
    for mail in mails:
        dated = mail if b"date" in _fields(mail) else b"Date: " + date.encode() + b"\n" + mail
        end = b"" if dated.endswith(b"\n") else b"\n"
        pieces.append(_FIRST_LINE + _ESCAPED.sub(rb">\1", dated) + end)
    return b"".join(pieces)


def find_tag(mail: bytes) -> PatchTag | None:
    """The tag in the Subject of a patch mail; git encodes only the words behind the brackets."""
    match = _SUBJECT.search(mail[:MAX_HEADER_BYTES].partition(b"\n\n")[0])
    return parse_subject(match[1].decode(errors="replace")) if match else None
