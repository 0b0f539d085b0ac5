"""Values of header fields that are safe to send, and the proof that a mail is ours."""

import re

from django.utils.crypto import constant_time_compare, salted_hmac

MAX_NAME = 100
_TURNS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of letters round (UAX 9), those of the address too."""
_PREFIX = (
    r"\s*(?:re|aw|antw(?:ort)?|sv|vs|vá|odp|ynt|rif|res|r|fwd?|wg|tr|rv|enc|i|vb|doorst|vl|pd|ilt"
    r"|отв|на|пересл|답장|회신|전달|返信|回复|回覆|答复|答覆|转发|轉寄|轉發|転送)"
    r"(?:\s?\[\d{1,4}\]|\s?\(\d{1,4}\)|\^\d{1,4})?\s?[:：]"
)
_PREFIXES = re.compile(rf"(?P<first>{_PREFIX})(?P<more>(?:{_PREFIX})*)\s*", re.IGNORECASE)
"""What mail programs put before a subject in an answer or a forward, in their languages."""


def clean_header(value: str) -> str:
    """One line: CR, LF and other control characters would start a header of their own."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+", " ", value).strip()


def shorten_prefixes(subject: str) -> str:
    """With the first of `Re: AW: Fwd:` alone."""
    found = _PREFIXES.match(subject)
    if found is None or not found["more"]:
        return subject
    return f"{found['first'].strip()} {subject[found.end() :]}".strip()


def answer_subject(subject: str) -> str:
    """Of an answer: one `Re:`, whatever the subject begins with (RFC 5322 section 3.6.5)."""
    found = _PREFIXES.match(subject)
    return f"Re: {subject[found.end() :] if found else subject}".strip()


def bare_id(message_id: str) -> str:
    """A Message-ID as rows keep it: one word without angle brackets."""
    return re.sub(r"[<>\s]", "", clean_header(message_id))


def address_with_name(name: str, address: str) -> str:
    """`"name" <address>`: the name a quoted-string (RFC 5322 section 3.2.4), whatever is in it."""
    cleaned = _TURNS.sub("", clean_header(name))[:MAX_NAME]
    if not cleaned:
        return address
    quoted = cleaned.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def bare_address(header: str) -> str:
    """The address in our own DEFAULT_FROM_EMAIL, with or without a name."""
    return header.rpartition("<")[2].rstrip("> ").strip()


def origin_of(message_id: str) -> str:
    """The proof, in X-Letterbox-Origin, that a mail coming back is one that we sent."""
    value = bare_id(message_id)
    return salted_hmac("issues.outbox.origin", value, algorithm="sha256").hexdigest()


def is_own(message_id: str, origin: str) -> bool:
    return constant_time_compare(origin_of(message_id), origin.strip())
