"""Ids of messages in Message-ID, In-Reply-To and References (RFC 5322, 3.6.4), kept verbatim."""

import re

from incoming_email.parsing.mime.headers import Headers

MAX_LENGTH = 998
"""Octets: an id cannot be longer than a line (RFC 5322, 2.1.1)."""

_ANGLED = re.compile(r"<([^<>]+)>")
_AROUND = "<>,;\"'"


def find_message_id(headers: Headers) -> str:
    return next(iter(find_ids(headers, "Message-ID")[:1]), "")


def find_ids(headers: Headers, name: str) -> tuple[str, ...]:
    """All ids of all fields of that name, in order, without angle brackets."""
    return tuple(found for value in headers.unfolded(name) for found in _read_ids(value))


def _read_ids(value: str) -> list[str]:
    """Between angle brackets, however they are joined (Exchange uses commas); else each word."""
    angled = ["".join(found.split()) for found in _ANGLED.findall(value)]
    words = angled or [word.strip(_AROUND) for word in value.replace(",", " ").split()]
    return [word for word in words if word and len(word) <= MAX_LENGTH]
