"""Decodes encoded-words of header fields (RFC 2047), also in the invalid forms that senders use."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from incoming_email.parsing.text import charsets

_OPENING = re.compile(r"=\?(?P<charset>[^?\s]{1,60})\?(?P<encoding>[bBqQ])\?")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))


@dataclass(frozen=True, slots=True)
class _Word:
    charset: str
    content: bytes


def decode_words(text: str) -> str:
    """Adjacent words of one charset are joined as bytes first: a character may be split (H27)."""
    pieces: list[str] = []
    pending: list[_Word] = []
    gap = ""
    for token in _tokens(text):
        if isinstance(token, _Word):
            if pending and pending[-1].charset != token.charset:
                pieces.append(_decode_joined(pending))
                pending = []
            pending.append(token)
            gap = ""
        elif pending and token.isspace():
            gap = token  # white space between two words does not count (RFC 2047, 6.2)
        else:
            pieces += [_decode_joined(pending), gap, token]
            pending, gap = [], ""
    return "".join([*pieces, _decode_joined(pending), gap])


def _tokens(text: str) -> Iterator[str | _Word]:
    """Plain stretches and words in order. Linear: no byte is looked at for two closings."""
    done = 0
    opening = _OPENING.search(text)
    while opening:
        end = text.find("?=", opening.end())
        if end < 0:
            break
        inner = _last_opening(text, opening, end)
        if inner.start() > done:
            yield text[done : inner.start()]
        yield _word(inner, text[inner.end() : end])
        done = end + 2
        opening = _OPENING.search(text, done)
    if done < len(text):
        yield text[done:]


def _last_opening(text: str, opening: re.Match[str], end: int) -> re.Match[str]:
    """A word that was never closed gives way to the one that begins inside it."""
    at = text.rfind("=?", opening.end(), end)
    return (_OPENING.match(text, at, end) if at >= 0 else None) or opening


def _word(opening: re.Match[str], payload: str) -> _Word:
    charset = opening["charset"].partition("*")[0].lower()  # language tag of RFC 2231, 5
    encoded = payload.encode("utf-8", errors="replace")
    if opening["encoding"] in "qQ":
        return _Word(charset, binascii.a2b_qp(encoded.replace(b" ", b"_"), header=True))
    return _Word(charset, decode_base64(encoded))


def find_base64(encoded: bytes) -> bytes:
    """The letters that count, without padding."""
    return encoded.translate(None, _NOT_BASE64)


def decode_base64(encoded: bytes) -> bytes:
    """Foreign characters are skipped, padding is optional, half a byte at the end is dropped."""
    letters = find_base64(encoded)
    letters = letters[: len(letters) - 1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _decode_joined(words: list[_Word]) -> str:
    if not words:
        return ""
    return charsets.decode(b"".join(word.content for word in words), words[0].charset)[0]
