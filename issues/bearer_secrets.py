"""Links and keys that act for whoever has them: found in texts and files, and cut.

A mail of ours that is quoted, forwarded or attached brings them along, and everybody who reads the
text could leave a discussion, answer or write for the person whom they were sent to. They are
known by themselves and not by the words around them, since mail programs break lines inside of
them, put quote marks between, and wrap them into links of their own. What is no secret of this
installation is left as it is. All of it takes time in proportion to the length.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Sequence
from string import ascii_letters, digits
from typing import Protocol

from issues.extension_points import ExtensionPoint, declare


class IsToken(Protocol):
    def __call__(self, token: str) -> bool:
        """Whether the token of a signed link is one of those that are made there."""


class FindKeys(Protocol):
    def __call__(self, runs: Collection[str]) -> Collection[str]:
        """Those of these runs of 25 letters and digits, in lower case, that are keys, in a constant
        number of queries."""


SIGNED_LINKS: ExtensionPoint[IsToken] = declare("signed links in mail", takes_several=True)
KEYS: ExtensionPoint[FindKeys] = declare("keys in addresses of ours")

SHOWN = 4
"""Characters of a secret that stay."""

MAX_CHECKED = 500
"""Of what looks like a secret in one text. Past it a signed link is cut unseen, and a key where it
stands in an address."""

MAX_FILE_BYTES = 5_000_000
"""What is looked at of a file, from its beginning; a mail of ours is much shorter."""

_GAP = r"[\s\xa0>|\\=\u200b-\u200d\u2060\ufeff\xad]{0,40}+"
"""What programs put into a link: line breaks with quote marks, escapes, soft line breaks."""


def _signed(colon: str, letter: str) -> re.Pattern[str]:
    """`payload:time:signature` of django.core.signing, from the first colon on."""
    return re.compile(
        rf"{colon}{_GAP}(?P<time>(?:[0-9A-Za-z]{_GAP}){{6}}){colon}{_GAP}"
        rf"(?P<signature>(?:{letter}{_GAP}){{42}}{letter})",
        re.ASCII,
    )


_SIGNED = _signed(r"(?::|%(?:25){0,3}3[Aa]|&#(?:58|x3[Aa]);)", r"[\w-]")
_SIGNED_IN_PROOFPOINT = _signed(r"-3A", r"(?:-2D|-5F|[0-9A-Za-z])")
"""In the links of urldefense.proofpoint.com/v2, where "-" stands for "%" and "_" for "/"."""

_RESET = re.compile(
    rf"key(?:/|%(?:25){{0,3}}2[Ff]|_){_GAP}"
    rf"(?P<token>(?:[0-9a-z]{_GAP}){{1,13}}-(?:2D)?{_GAP}(?:[0-9a-z]{_GAP}){{6,7}}-(?:2D)?{_GAP}"
    rf"(?:[0-9a-f]{_GAP}){{31}}[0-9a-f])",
    re.ASCII,
)
"""The end of a link that sets a forgotten password: whose, time and hash (Django's
PasswordResetTokenGenerator). It is no token of django.core.signing, and cut wherever it is from."""

_PAYLOAD_BACKWARDS = re.compile(rf"(?:{_GAP}[\w.-]){{1,200}}+", re.ASCII)
_LONGEST_PAYLOAD = 600
_GAPS = re.compile(_GAP.replace("{0,40}+", "+"))
_ENCODED_SLASH = re.compile(r"(?:25){0,3}2[Ff]|_")
_LETTER = "[0-9A-Za-z]"
_KEY = re.compile(
    rf"(?<!{_LETTER})(?={_LETTER}{{25}})(?:(?<=%)(?:25)?2[bBdD]|(?<=-)2[bB])?"
    rf"(?P<key>{_LETTER}{{25}})(?!{_LETTER})"
)
_LONGEST_RUN = 29
"""Letters and digits of a key with an encoded plus before it, `252B`."""

_LETTERS = (ascii_letters + digits).encode()
_KINDS = bytes(ord("a" if code in _LETTERS else " ") for code in range(256))
_ENOUGH = b"a" * 25
_BROKEN_KEY = re.compile(
    rf"[-+%](?:(?<!%)|(?<=%)2[bB]){_GAP}(?P<key>(?:{_LETTER}{_GAP}){{24}}{_LETTER})(?={_GAP}(?:[-@]|%40))",
    re.ASCII,
)
"""One in an address, with line breaks and the like inside of it, as a program may have put them."""

_AROUND_KEY = re.compile(r"[^\s@%]{0,40}(?:@|%(?:25)?40)")
_BASE64_PART = re.compile(
    rb"content-transfer-encoding:[ \t]*base64[ \t]*\r?\n(?:[^\r\n]{1,500}\r?\n){0,10}\r?\n"
    rb"(?P<lines>[A-Za-z0-9+/=\r\n]+)",
    re.IGNORECASE,
)
_TEXT_TYPES = ("text/", "message/")
_TEXT_NAMES = (".eml", ".html", ".htm", ".txt", ".mbox", ".md")

Span = tuple[int, int]
Run = tuple[Span, str]
"""What could be a key: where it stands, and without what was put between its characters."""


def cut_secrets(*texts: str, mark: str = "…") -> list[str]:
    """The texts with each secret of ours cut to its first characters. The number of lines stays.
    One look-up of keys for all of them, and none where nothing looks like one."""
    cut, runs = list[str](), list[Sequence[Run]]()
    for text in texts:
        spans = [*_find_tokens(text)]
        cut.append(_cut(text, spans, mark) if spans else text)
        runs.append([*_find_runs(cut[-1])])  # a key may have stood right behind a token
    keys = _find_keys(cut, runs)
    if not keys:
        return cut
    return [
        _cut(text, [span for span, run in found if run in keys], mark)
        for text, found in zip(cut, runs, strict=True)
    ]


def cut_secrets_in_file(content: bytes, *, name: str, content_type: str) -> bytes:
    """The same for a text, a page or a mail as a file; any other file stays as it is."""
    is_text = content_type.lower().startswith(_TEXT_TYPES) or name.lower().endswith(_TEXT_NAMES)
    if not is_text or not content:
        return content
    head, rest = content[:MAX_FILE_BYTES], content[MAX_FILE_BYTES:]
    return _cut_bytes(_BASE64_PART.sub(_cut_base64, head)) + rest


def _cut_bytes(content: bytes) -> bytes:
    """Line breaks of quoted-printable are gaps like others; in a key they are taken out."""
    joined = re.sub(rb"=\r?\n", b"", content)
    before = joined.decode("latin-1")
    (after,) = cut_secrets(before, mark="...")
    return content if after == before else after.encode("latin-1")


def _cut_base64(part: re.Match[bytes]) -> bytes:
    """A part of an attached mail, whose text can't be seen otherwise."""
    try:
        before = base64.b64decode(part["lines"])
    except binascii.Error:
        return part[0]
    after = _cut_bytes(before)
    if after == before:
        return part[0]
    return part[0][: -len(part["lines"])] + base64.encodebytes(after)


def _find_tokens(text: str) -> Iterator[Span]:
    for found in _RESET.finditer(text):
        yield found.span("token")
    patterns = (_SIGNED, _SIGNED_IN_PROOFPOINT) if "-3A" in text else (_SIGNED,)
    for pattern in patterns:
        for number, found in enumerate(pattern.finditer(text)):
            start = _find_start(text, found, is_checked=number < MAX_CHECKED)
            if start is not None:
                yield start, found.end()


def _find_start(text: str, found: re.Match[str], *, is_checked: bool) -> int | None:
    """Where the token begins that goes on with `found`; None where it is no token of ours."""
    window = text[max(0, found.start() - _LONGEST_PAYLOAD) : found.start()]
    backwards = _PAYLOAD_BACKWARDS.match(window[::-1])
    if backwards is None:
        return None
    payload = window[len(window) - backwards.end() :]
    first = found.start() - len(payload)
    if not is_checked:
        return first
    decode = _join if found.re is _SIGNED else _join_proofpoint
    rest = f":{decode(found['time'])}:{decode(found['signature'])}"
    for start in _find_starts(payload):
        token = decode(payload[start:]) + rest
        if any(is_token(token) for is_token in SIGNED_LINKS.registered):
            return first + start
    return None


def _find_starts(payload: str) -> list[int]:
    """What is before it may be glued to it: an encoded slash, or words where a gap looks like one
    inside of it. The nearest of many."""
    starts = [0, *(gap.end() for gap in _GAPS.finditer(payload))]
    slashes = [slash.end() for slash in _ENCODED_SLASH.finditer(payload)]
    return [*starts[:1], *starts[1:][-12:], *slashes[-6:]]


def _join(token: str) -> str:
    return _GAPS.sub("", token)


def _join_proofpoint(token: str) -> str:
    return _join(token).replace("-2D", "-").replace("-5F", "_")


def _find_keys(texts: Sequence[str], runs: Sequence[Sequence[Run]]) -> Collection[str]:
    """Those among the runs of each text."""
    asked = {run for found in runs for _span, run in found}
    if len(asked) > MAX_CHECKED:
        asked = {
            run
            for text, found in zip(texts, runs, strict=True)
            for (_start, end), run in found
            if _AROUND_KEY.match(text, end)
        }
        asked = set(sorted(asked)[:MAX_CHECKED])
    find = KEYS.find() if asked else None
    return find(asked) if find is not None else ()


def _find_runs(text: str) -> Iterator[Run]:
    for start in _find_long_runs(text):
        if run := _KEY.match(text, start):
            yield run.span("key"), run["key"].lower()
    for broken in _BROKEN_KEY.finditer(text):
        yield broken.span("key"), _join(broken["key"]).lower()


def _find_long_runs(text: str) -> Iterator[int]:
    """Where 25 to 29 letters and digits begin. A pattern takes ten times as long for it."""
    kinds = text.encode("ascii", "replace").translate(_KINDS)
    start = kinds.find(_ENOUGH)
    while start >= 0:
        end = kinds.find(b" ", start)
        if end < 0:
            end = len(kinds)
        if end - start <= _LONGEST_RUN:
            yield start
        start = kinds.find(_ENOUGH, end)


def _cut(text: str, spans: Sequence[Span], mark: str) -> str:
    """What stands between the characters of a secret, as line breaks do, stays."""
    pieces, done = [], 0
    for start, end in sorted(spans):
        if start < done:
            continue
        gaps = "".join(_GAPS.findall(text, start + SHOWN, end))
        pieces += [text[done : start + SHOWN], mark, gaps]
        done = end
    return "".join([*pieces, text[done:]])
