"""Which fields of Authentication-Results and marks of spam count: the channel decides (RFC 8601
sections 5 and 7.1).

Everybody can write such a field. Only a server that the mail came through last, and that the
mailbox trusts, can have written one above all that the sender wrote.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.networks import is_within, read_address
from incoming_email.parsing.mime.headers import CUT
from incoming_email.parsing.types import ParsedEmail, SpamMark, Stamps
from incoming_email.sender_auth.results import read_authserv_id

INSIDE = (".internal", ".lan", ".local", ".localdomain", ".localhost", ".home.arpa")
"""Names that no server in the Internet has (RFC 6761, 6762, 8375)."""

_REGISTRY = re.compile(r"\.[a-z]{2,3}\.[a-z]{2}\Z")
"""`.co.uk`, `.com.au`: a second level so short belongs to a registry, not to an organisation."""


@dataclass(frozen=True, slots=True)
class Channel:
    """The field that counts, or why none does."""

    result: str | None
    note: str
    """For the trace; empty where nothing was there to be looked at."""


NO_MARK = Channel(None, "")


def find_counted(mailbox: Mailbox, row: InboundEmail, stamps: Stamps) -> Channel:
    """The topmost field of the mailbox's trusted server, if the channel lets it count."""
    trusted = mailbox.trusted_authserv_id.lower()
    if not trusted:
        return Channel(None, "")
    at = next((n for n, each in enumerate(stamps.results) if read_authserv_id(each) == trusted), -1)
    if at < 0:
        return Channel(None, f"no Authentication-Results of {trusted}")
    note = f"Authentication-Results of {trusted}"
    above = stamps.received_by[: stamps.received_above[at]]
    ignored = _find_why_ignored(row, above, trusted)
    if ignored:
        return Channel(None, f"{note} ignored: {ignored}")
    return Channel(stamps.results[at], note)


def find_spam(mailbox: Mailbox, row: InboundEmail, email: ParsedEmail) -> Channel:
    """The first mark by which the server that delivered the message says that it is spam. A header
    that is too long to be read to its end is taken for marked: filters write there, and nobody else
    needs thousands of fields."""
    stamps = email.stamps
    named = (host for host in stamps.received_by if not _names_nobody(host))
    trusted = mailbox.trusted_authserv_id.lower() or next(named, "")
    notes: list[str] = []
    for mark in stamps.spam_marks:
        ignored = _find_why_mark_ignored(row, mark, stamps, trusted)
        if not ignored:
            return Channel(mark.field, mark.field)
        notes.append(f"{mark.field} ignored: {ignored}")
    cut = next((each for each in email.defects if each.startswith(CUT)), "")
    return Channel(cut or None, cut or (notes[0] if notes else ""))


def _find_why_mark_ignored(row: InboundEmail, mark: SpamMark, stamps: Stamps, trusted: str) -> str:
    """A mark need not stand on top: a milter adds its fields at the end by default, as rspamd does,
    and so do Exchange and Gmail. There they count where the channel alone is proof: from a trusted
    relay, and Exchange's own, which no sender can bring in."""
    is_at_end = mark.is_last and mark.received_above >= len(stamps.received_by)
    is_handed_over = row.peer is not None and is_trusted_relay(row.peer)
    if is_at_end and is_handed_over:
        return ""
    if mark.is_of_exchange and stamps.is_from_exchange and row.peer is None:
        return ""
    above = stamps.received_by[: mark.received_above]
    ignored = _find_why_ignored(row, above, trusted)
    if not ignored and not mark.is_first:
        return "another one of its name stands above it"
    return ignored


def _find_why_ignored(row: InboundEmail, above: Sequence[str], trusted: str) -> str:
    """Why a field below these Received, by their hosts, is not taken for the trusted server's;
    empty where it is."""
    if row.peer and not is_trusted_relay(row.peer):
        return f"{row.peer} is not in TRUSTED_RELAY_NETWORKS"
    other = next((host for host in above if not is_of_server(host, trusted)), None)
    return "" if other is None else f"it stands below Received of {other[:100]}"


def is_trusted_relay(peer: str) -> bool:
    return is_within(read_address(peer), settings.TRUSTED_RELAY_NETWORKS)


def is_of_server(host: str, trusted: str) -> bool:
    """Whether a Received by `host` may be of the server `trusted`: it is in the same domain, or its
    name says nothing (an IP address, a name without a dot), as those of a server's inner hops.

    A sender who invents such a Received gains nothing: a field of theirs may as well stand on top.
    """
    if _names_nobody(host):
        return True
    organisation = _find_organisation(trusted)
    return host == organisation or host.endswith(f".{organisation}")


def _names_nobody(host: str) -> bool:
    return "." not in host or host.endswith(INSIDE) or _is_ip(host)


def _find_organisation(name: str) -> str:
    """example.com of mx.example.com, by a guess that does without a list of public suffixes."""
    labels = name.split(".")
    return ".".join(labels[-3:] if _REGISTRY.search(name) else labels[-2:])


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.removeprefix("ipv6:"))
    except ValueError:
        return False
    return True
