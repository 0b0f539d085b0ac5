"""Which fields of Authentication-Results count: the channel decides (RFC 8601 sections 5 and 7.1).

Everybody can write such a field. Only a server that the mail came through last, and that the
mailbox trusts, can have written one above all that the sender wrote.
"""

import ipaddress
import re
from dataclasses import dataclass

from django.conf import settings

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.networks import is_within, read_address
from incoming_email.parsing.types import Stamps
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


def find_counted(mailbox: Mailbox, row: InboundEmail, stamps: Stamps) -> Channel:
    """The topmost field of the mailbox's trusted server, if the channel lets it count."""
    trusted = mailbox.trusted_authserv_id.lower()
    if not trusted:
        return Channel(None, "")
    at = next((n for n, each in enumerate(stamps.results) if read_authserv_id(each) == trusted), -1)
    if at < 0:
        return Channel(None, f"no Authentication-Results of {trusted}")
    note = f"Authentication-Results of {trusted}"
    if row.peer and not is_trusted_relay(row.peer):
        return Channel(None, f"{note} ignored: {row.peer} is not in TRUSTED_RELAY_NETWORKS")
    above = stamps.received_by[: stamps.received_above[at]]
    other = next((host for host in above if not is_of_server(host, trusted)), None)
    if other is not None:
        return Channel(None, f"{note} ignored: it stands below Received of {other[:100]}")
    return Channel(stamps.results[at], note)


def is_trusted_relay(peer: str) -> bool:
    return is_within(read_address(peer), settings.TRUSTED_RELAY_NETWORKS)


def is_of_server(host: str, trusted: str) -> bool:
    """Whether a Received by `host` may be of the server `trusted`: it is in the same domain, or its
    name says nothing (an IP address, a name without a dot), as those of a server's inner hops.

    A sender who invents such a Received gains nothing: a field of theirs may as well stand on top.
    """
    if "." not in host or host.endswith(INSIDE) or _is_ip(host):
        return True
    organisation = _find_organisation(trusted)
    return host == organisation or host.endswith(f".{organisation}")


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
