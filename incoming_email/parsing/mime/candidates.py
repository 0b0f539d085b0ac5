"""Which addresses a message may have been meant for, and by what field (order: SPEC, section 3)."""

import re
from collections.abc import Iterable, Iterator

from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.mime.mailboxes import parse_address, parse_mailboxes
from incoming_email.parsing.text.one_line import clean
from incoming_email.parsing.types import Candidate
from issues.mail_addresses import lower_ascii

ENVELOPE = "Envelope"
RECEIVED = "Received"
HEADERS = (
    "To",
    "Delivered-To",
    "Envelope-To",
    "X-Envelope-To",
    RECEIVED,
    "Cc",
    "X-Delivered-To",
    "X-Original-To",
    "X-Forwarded-To",
    "X-Gm-Original-To",
)
_FOR = re.compile(r"(?<![\w.-])for\s+<?(?P<address>[^\s<>;,()]+)", re.IGNORECASE)
_PARENTHESIS = re.compile(r"[()]")


def find_candidates(
    headers: Headers, recipient: str, *, most: int
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Candidates, the surest first, and a defect for each field that held too many."""
    found: dict[Candidate, None] = {}
    defects: list[str] = []
    envelope = lower_ascii(clean(recipient).removeprefix("<").removesuffix(">"))
    if envelope:
        found[Candidate(ENVELOPE, envelope)] = None
    for header in HEADERS:
        addresses = list(_find_addresses(headers, header, most))
        if len(addresses) > most:
            defects.append(f"more than {most} addresses in {header}")
        found.update((Candidate(header, address), None) for address in addresses[:most])
    return tuple(found), tuple(defects)


def _find_addresses(headers: Headers, header: str, most: int) -> Iterator[str]:
    """At most one more than `most`."""
    count = 0
    for value in headers.unfolded(header):
        for address in _read_addresses(header, value, most + 1 - count):
            yield address
            count += 1
        if count > most:
            return


def _read_addresses(header: str, value: str, most: int) -> Iterable[str]:
    if header == RECEIVED:
        return find_received_for(value)[:most]
    return parse_mailboxes(value, most=most).addresses


def find_received_for(value: str) -> list[str]:
    """Addresses that `for` names in one Received field; comments are not read."""
    text = "".join(outside_comments(value))
    found = (parse_address(match["address"]) for match in _FOR.finditer(text))
    return [address for address in found if address]


def outside_comments(value: str) -> Iterator[str]:
    depth = start = 0
    for match in _PARENTHESIS.finditer(value):
        if match.group() == "(":
            if depth == 0:
                yield value[start : match.start()]
            depth += 1
        elif depth:
            depth -= 1
            start = match.end()
    if depth == 0:
        yield value[start:]
