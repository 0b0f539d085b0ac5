"""Who wrote it: From comes to exactly one address or to none, never to a guess."""

from dataclasses import dataclass

from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.mime.mailboxes import Mailbox, parse_mailboxes
from incoming_email.parsing.text.one_line import clean

MAX_READ = 20
"""Entries of From that are looked at: two are too many already."""


@dataclass(frozen=True, slots=True)
class Author:
    address: str
    name: str
    defect: str = ""


def find_author(headers: Headers) -> Author:
    """The author by From; an empty address with a defect if there is not exactly one."""
    values = [value for value in headers.unfolded("From") if value]
    if not values:
        return Author("", "", "no From")
    authors = [_parse_author(value) for value in values]
    if len({author.address for author in authors}) > 1:
        return Author("", authors[0].name, "several From fields")
    return authors[0]


def find_reply_to(headers: Headers) -> tuple[str, str]:
    """The first address of Reply-To and a defect; a Reply-To without address counts as none."""
    for value in headers.unfolded("Reply-To"):
        addresses = parse_mailboxes(value, most=MAX_READ).addresses
        if addresses:
            return addresses[0], ""
    return "", "Reply-To without an address" if headers.first("Reply-To") else ""


def _parse_author(value: str) -> Author:
    entries = parse_mailboxes(value, most=MAX_READ).mailboxes
    addressed = [entry for entry in entries if entry.address]
    name = _name(value, entries)
    if not all(entry.is_clean for entry in entries):
        return Author("", name, "From is ambiguous")
    if not addressed:
        return Author("", name, "From has no valid address")
    others = [entry for entry in entries if not entry.address]
    if len(addressed) > 1 or any(each.has_angle or "@" in each.name for each in others):
        return Author("", name, "From names several addresses")
    return Author(addressed[0].address, name)


def _name(value: str, entries: tuple[Mailbox, ...]) -> str:
    """An unquoted comma in the name makes two entries of one person (H05)."""
    if len(entries) == 1:
        return entries[0].name
    if all(entry.has_angle or not entry.address for entry in entries):
        return ", ".join(entry.name for entry in entries if entry.name)
    return clean(decode_words(value))
