"""What servers on the way wrote: Authentication-Results, marks of spam, and which Received stand
above."""

import re

from incoming_email.parsing.mime.candidates import outside_comments
from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.mime.spam_marks import find_spam_marks
from incoming_email.parsing.types import Stamps

MAX_STAMPS = 100
"""Fields of each name that are read; what counts is at the top."""

_BY = re.compile(r"(?<!\S)by\s+([^\s;]+)", re.IGNORECASE)
_EXCHANGE = re.compile(r"with Microsoft SMTP Server\b|\bby \S+\.outlook\.com\b", re.IGNORECASE)
_READ = ("received", "authentication-results")


def find_stamps(headers: Headers) -> Stamps:
    """Topmost first. A header block that was not read in order has none."""
    received = headers.unfolded("Received")[:MAX_STAMPS]
    results = headers.unfolded("Authentication-Results")[:MAX_STAMPS]
    order = [name for name in headers.order if name in _READ]
    above, below = 0, list[int]()
    for name in order:
        if name == "received":
            above += 1
        else:
            below.append(above)
    hosts = tuple(_find_host("".join(outside_comments(value))) for value in received)
    return Stamps(
        hosts,
        results,
        tuple(below[: len(results)]),
        spam_marks=find_spam_marks(headers),
        is_from_exchange=bool(received and _EXCHANGE.search(received[0])),
    )


def _find_host(received: str) -> str:
    """The host behind `by` (RFC 5321 4.4), without a port; empty where the field names none."""
    match = _BY.search(received)
    return match[1].lower().strip("[]") if match else ""
