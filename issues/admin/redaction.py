"""Bearer secrets in texts of any origin: only their first four characters are shown."""

import re

SHOWN = 4
KEY_LENGTH = 25
"""Of reply keys and sender tokens; the application above makes them of 0-9 and a-z."""

ELLIPSIS = "…"
_EDGES = r"(?<![0-9a-z]){}(?![0-9a-z])"
_BODY = rf"([0-9a-z]{{{SHOWN}}})[0-9a-z]{{{KEY_LENGTH - SHOWN}}}"
_RUN = re.compile(_EDGES.format(_BODY), re.IGNORECASE | re.ASCII)
_RUN_WITH_DIGIT = re.compile(
    _EDGES.format(rf"(?=[a-z]{{0,{KEY_LENGTH - 1}}}[0-9]){_BODY}"), re.IGNORECASE | re.ASCII
)
_WAYS = "unsubscribe|account/password/reset/key|account/confirm-email|account/invitation"
_LINK = re.compile(rf"(/(?:{_WAYS})/[^\s/<>\"']{{{SHOWN}}})[^\s/<>\"']+")


def redact_header(value: str) -> str:
    """Every run of 25 letters and digits is cut, since a key may happen to have no digit."""
    return _RUN.sub(rf"\1{ELLIPSIS}", _redact_links(value))


def redact_text(text: str) -> str:
    """Prose: a run of 25 letters may be a word, so only one with a digit is cut."""
    return _RUN_WITH_DIGIT.sub(rf"\1{ELLIPSIS}", _redact_links(text))


def _redact_links(text: str) -> str:
    """Whoever has a person's link can unsubscribe them (RFC 8058 requires no log-in), set their
    password or verify their address."""
    return _LINK.sub(rf"\1{ELLIPSIS}", text)
