"""Who wrote it: From comes to exactly one address or to none, never to a guess."""

import re
from dataclasses import dataclass, replace

from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.mime.mailboxes import Mailbox, parse_address, parse_mailboxes
from incoming_email.parsing.text.one_line import clean
from incoming_email.parsing.types import Behind

MAX_READ = 20
"""Entries of From that are looked at: two are too many already."""

VIA = re.compile(r"(?P<name>.{1,200}) via .{1,200}", re.IGNORECASE)
"""The name in a From that a list has rewritten: `Ann via Support`."""

BEHIND = ("X-Original-From", "Reply-To")
_NO_ADDRESS = "From has no valid address"
_LIST_FIELDS = ("List-Id", "List-Post", "Mailing-list")
_LIST_ADDRESS = re.compile(r"(?:<mailto:|\blist )([^\s<>;?]{3,254})", re.IGNORECASE)


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
    telling = [author for author in authors if author.defect != _NO_ADDRESS] or authors
    if len({author.address for author in telling}) > 1:
        return Author("", telling[0].name, "several From fields")
    return telling[0]


def find_reply_to(headers: Headers) -> tuple[str, str]:
    """The first address of Reply-To and a defect; a Reply-To without address counts as none."""
    for value in headers.unfolded("Reply-To"):
        addresses = parse_mailboxes(value, most=MAX_READ).addresses
        if addresses:
            return addresses[0], ""
    return "", "Reply-To without an address" if headers.first("Reply-To") else ""


def find_behind(headers: Headers, author: Author) -> Behind:
    """Who is behind a From that a list (RFC 7960 section 4.1.3.1) or forwarder wrote itself into.

    A list is known by List-Post (RFC 2369) or Google's and Yahoo's Mailing-list that have the
    address of From, or in any list's mail by X-Original-From or a name such as `Ann via Support`.
    """
    lists = _find_list_addresses(headers)
    found = Behind()
    for field in BEHIND:
        entries = [e for e in _read_entries(headers, field) if e.address and e.is_clean]
        others = {entry.address for entry in entries} - lists - {author.address}
        if len(others) == 1:
            found = Behind(others.pop(), field)
            break
    is_list = author.address in lists or (
        any(headers.first(name) for name in _LIST_FIELDS)
        and bool(found.header == BEHIND[0] or VIA.fullmatch(author.name))
    )
    return replace(found, is_list=bool(author.address) and is_list)


def _find_list_addresses(headers: Headers) -> set[str]:
    values = (headers.first(name) for name in _LIST_FIELDS[1:])
    found = (parse_address(m[1]) for value in values for m in _LIST_ADDRESS.finditer(value[:2000]))
    return {address for address in found if address}


def _read_entries(headers: Headers, field: str) -> tuple[Mailbox, ...]:
    return tuple(
        entry
        for value in headers.unfolded(field)
        for entry in parse_mailboxes(value, most=MAX_READ).mailboxes
    )


def _parse_author(value: str) -> Author:
    entries = parse_mailboxes(value, most=MAX_READ).mailboxes
    addressed = [entry for entry in entries if entry.address]
    name = _name(value, entries)
    if not all(entry.is_clean for entry in entries):
        return Author("", name, "From is ambiguous")
    if not addressed:
        return Author("", name, _NO_ADDRESS)
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
