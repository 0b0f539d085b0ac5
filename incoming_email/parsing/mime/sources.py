"""The bytes of a message as a page can show them: the header, and the body without its ballast."""

import re
from dataclasses import dataclass

from incoming_email.parsing.limits import Limits
from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.mime.headers import split_message_headers

MAX_SHOWN_BODY = 100_000
"""Characters of the body."""

MAX_READ_BODY = 5_000_000
"""Bytes of it that are looked at for them."""

_BASE64 = re.compile(r"(?m)(?:^[A-Za-z0-9+/]{60,998}\r?\n){3,}(?:[A-Za-z0-9+/]{1,998}={0,2}$)?")
_WORDS = re.compile(
    r"=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=(?:\s*=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=)*"
)


@dataclass(frozen=True, slots=True)
class Words:
    """A run of encoded-words (RFC 2047) and its decoded text, in which a secret may hide."""

    raw: str
    decoded: str


@dataclass(frozen=True, slots=True)
class Source:
    header: str
    words: tuple[Words, ...]
    body: str
    is_cut: bool
    """More of the body is in the raw message."""


def show_source(content: bytes, limits: Limits) -> Source:
    start = split_message_headers(content, limits).body_start
    header = _decode(content[:start][: limits.header_bytes])
    body = _fold_base64(_decode(content[start : start + MAX_READ_BODY]))
    runs = dict.fromkeys(match[0] for match in _WORDS.finditer(header))
    return Source(
        header=header,
        words=tuple(Words(run, decode_words(" ".join(run.split()))) for run in runs),
        body=body[:MAX_SHOWN_BODY],
        is_cut=len(body) > MAX_SHOWN_BODY or len(content) - start > MAX_READ_BODY,
    )


def _decode(content: bytes) -> str:
    """Half a character, or one of another charset, shows as what it is: not readable."""
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\0", "\ufffd")


def _fold_base64(text: str) -> str:
    """Nobody reads it, and the text behind a file of megabytes would not be reached."""
    return _BASE64.sub(lambda match: f"[… base64: {len(match[0].split())} lines …]", text)
