"""Reads delivery reports: who was refused for good, the server's words, and which mail it was."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from incoming_email.parsing.limits import Limits
from incoming_email.parsing.mime.headers import split_message_headers
from incoming_email.parsing.mime.message_ids import find_message_id
from incoming_email.parsing.types import Kind, ParsedEmail
from issues.mail_addresses import canonical_address

REPORTS = {"message/delivery-status", "message/global-delivery-status"}
"""RFC 3464; RFC 6533 for addresses beyond ASCII."""

RETURNED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}
"""Types of the part that holds what was sent (RFC 6522 3, RFC 6533 6)."""

HEAD_BYTES = 65_536
ACTION = re.compile(r"^Action:[ \t]*(\w+)", re.IGNORECASE | re.MULTILINE)
STATUS = re.compile(r"^Status:[ \t]*(\d\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
DIAGNOSTIC = re.compile(r"^Diagnostic-Code:[ \t]*([^\r\n]{1,400})", re.IGNORECASE | re.MULTILINE)
RECIPIENT = re.compile(
    r"^(?:Final|Original)-Recipient:[^;\r\n]{0,40};([^\r\n]{1,400})", re.IGNORECASE | re.MULTILINE
)
ADDRESS = re.compile(r"(?<![^\s<\"'(:=])[^\s<>\"'(),;:=@]{1,64}@[^\s<>\"'(),;:@]{1,253}")
MESSAGE_ID = re.compile(
    r"^[> ]{0,20}Message-ID:[ \t]*<([^<>\s]{1,998})>", re.IGNORECASE | re.MULTILINE
)
BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n")
MAX_GROUPS = 100

REFUSED = re.compile(r"(?<![\w.])(?:5\.\d{1,3}\.\d{1,3}|55[0-4])(?![\w.])")
STILL_TRIED = re.compile(r"\b(?:delay(?:ed)?|still being retried|will be retried)\b", re.IGNORECASE)
COPY_BEGINS = re.compile(
    r"^[-> ]*(?:(?:this|below this line) is (?:a|the) copy of|original message|"
    r"(?:return-path|received):)",
    re.IGNORECASE,
)
MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """A server has refused for good."""

    recipients: frozenset[str]
    """Whom, in lower case: Final- and Original-Recipient (RFC 3464 section 2.3)."""

    reason: str
    """Status and words of the server."""


def find_failures(email: ParsedEmail) -> list[Failure]:
    """In their order. A delay may still end well, and so may a temporary failure (4.x.x)."""
    if email.kind != Kind.BOUNCE:
        return []
    parts = [a.content for a in email.attachments if a.content_type in REPORTS]
    if not parts:
        return list(_find_in_words(email))
    groups = (group for part in parts for group in _split(part.decode(errors="replace")))
    return [failure for group in groups if (failure := _read_group(group))]


def find_returned_ids(email: ParsedEmail) -> list[str]:
    """Message-IDs of what is sent back with the report, as a part or below its words; the head of
    each is enough."""
    returned = (a.content[:HEAD_BYTES] for a in email.attachments if a.content_type in RETURNED)
    blocks = (split_message_headers(head, Limits()) for head in returned)
    ids = [find_message_id(block.headers) for block in blocks]
    if email.kind == Kind.BOUNCE:
        ids += MESSAGE_ID.findall(email.text[:HEAD_BYTES])
    return [message_id for message_id in ids if message_id]


def _split(report: str) -> list[str]:
    """One group of fields for the message, then one for each recipient."""
    return BLANK_LINE.split(report, maxsplit=MAX_GROUPS)


def _read_group(group: str) -> Failure | None:
    action, status = ACTION.search(group), STATUS.search(group)
    if status is None or not status[1].startswith("5"):
        return None
    if action is not None and action[1].lower() != "failed":
        return None
    diagnostic = DIAGNOSTIC.search(group)
    reason = " ".join([status[1], *([diagnostic[1]] if diagnostic else [])])
    found = RECIPIENT.findall(group)
    named = frozenset(canonical_address(address.strip("<> \t")) for address in found)
    return Failure(named, reason)


def _find_in_words(email: ParsedEmail) -> Iterator[Failure]:
    """Of a report for people only (qmail, Exim): the line with the answer of the server, for all
    whom the report names."""
    lines = list(_own_lines(email.text))
    if STILL_TRIED.search(email.subject) or any(STILL_TRIED.search(line) for line in lines):
        return
    reason = next((line.strip()[:400] for line in lines if REFUSED.search(line)), "")
    if reason:
        named = (address for line in lines for address in ADDRESS.findall(line))
        yield Failure(frozenset(canonical_address(each.rstrip(".")) for each in named), reason)


def _own_lines(text: str) -> Iterator[str]:
    """Those above the copy of the message that failed."""
    for line in text.splitlines()[:MAX_LINES]:
        if COPY_BEGINS.match(line):
            return
        yield line[:1000]
