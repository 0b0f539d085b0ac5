"""Bearer secrets in texts of any origin: only their first four characters are shown."""

import re

SHOWN = 4
KEY_LENGTH = 25
"""Of reply keys and sender tokens; the application above makes them of 0-9 and a-z."""

ELLIPSIS = "…"
# "%2B" of a mailto: link ends in a letter that is no part of the key behind it.
_START = r"(?:(?<![0-9a-z])|(?<=%2B)|(?<=%3D))"
_END = r"(?![0-9a-z])"
_BODY = rf"([0-9a-z]{{{SHOWN}}})[0-9a-z]{{{KEY_LENGTH - SHOWN}}}"
_RUN = re.compile(f"{_START}{_BODY}{_END}", re.IGNORECASE | re.ASCII)
_WITH_DIGIT = rf"(?=[a-z]{{0,{KEY_LENGTH - 1}}}[0-9])"
_IN_ADDRESS = rf"(?=[0-9a-z]{{{KEY_LENGTH}}}(?:-[a-z-]{{1,20}})?(?:@|%40))"
_RUN_IN_TEXT = re.compile(
    f"{_START}(?:{_WITH_DIGIT}|{_IN_ADDRESS}){_BODY}{_END}", re.IGNORECASE | re.ASCII
)
_SIGNED = re.compile(
    rf"(?<![\w-])([\w-]{{1,{SHOWN}}})[\w-]{{0,500}}(?::|%3A)[0-9a-z]{{5,7}}(?::|%3A)[\w-]{{43}}",
    re.IGNORECASE | re.ASCII,
)
"""`value:time:signature` of django.core.signing, wherever it stands."""

_WAYS = (
    "unsubscribe|tickets/leave|tickets/files"
    "|account/password/reset/key|account/confirm-email|account/invitation"
)
_LINK = re.compile(rf"(/(?:{_WAYS})/[^\s/<>\"']{{{SHOWN}}})[^\s/<>\"']+")
_LABELLED = re.compile(rf"(Verification token:\s{{0,20}}[0-9A-Za-z]{{{SHOWN}}})[0-9A-Za-z]+")
"""Of a desk's address; shorter than keys are."""


def redact_header(value: str) -> str:
    """Every run of 25 letters and digits is cut, since a key may happen to have no digit."""
    return _RUN.sub(rf"\1{ELLIPSIS}", _redact_links(value))


def redact_text(text: str) -> str:
    """Prose: a run of 25 letters may be a word, so it is cut where it has a digit or an address
    holds it."""
    return _RUN_IN_TEXT.sub(rf"\1{ELLIPSIS}", _redact_links(text))


def _redact_links(text: str) -> str:
    """Whoever has a person's link can use it in their place: none of them asks for a log-in
    (RFC 8058), and some set their password or verify their address."""
    signed = _SIGNED.sub(rf"\1{ELLIPSIS}", text)
    return _LABELLED.sub(rf"\1{ELLIPSIS}", _LINK.sub(rf"\1{ELLIPSIS}", signed))
