"""Which senders of a group of messages are blocked, and for which projects."""

from collections.abc import Iterator, Mapping, Sequence

from incoming_email.models import BlockedSender
from incoming_email.parsing.types import ParsedEmail

EVERYWHERE = None
MOST_LABELS = 127
"""A domain name has no more (RFC 1035, 255 octets)."""

Blocks = Mapping[str, frozenset[int | None]]
"""By address, ids of projects; EVERYWHERE among them where the block is for all."""


def find_blocks(emails: Sequence[ParsedEmail]) -> Blocks:
    """The sender and the address an answer would go to, in one query; others are left out."""
    addresses = {address for email in emails for address in senders_of(email)}
    patterns = {address: set(_patterns_of(address)) for address in addresses}
    rows = BlockedSender.objects.filter(pattern__in=set().union(*patterns.values()))
    found: dict[str, set[int | None]] = {}
    for pattern, project_id in rows.values_list("pattern", "project_id"):
        for address in addresses:
            if pattern in patterns[address]:
                found.setdefault(address, set()).add(project_id)
    return {address: frozenset(projects) for address, projects in found.items()}


def blocked_in(email: ParsedEmail, blocks: Blocks) -> frozenset[int | None]:
    """The projects that block this message's sender."""
    return frozenset().union(*(blocks.get(address, ()) for address in senders_of(email)))


def senders_of(email: ParsedEmail) -> set[str]:
    return {email.sender, email.reply_to} - {""}


def _patterns_of(address: str) -> Iterator[str]:
    yield address
    labels = address.rpartition("@")[2].split(".")[-MOST_LABELS:]
    for start in range(len(labels)):
        yield "*@" + ".".join(labels[start:])
