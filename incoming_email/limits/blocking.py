"""Which senders of a group of messages are blocked, and for which projects."""

from collections.abc import Mapping, Sequence

from incoming_email.models import BlockedSender
from incoming_email.parsing.types import ParsedEmail
from issues.mail_addresses import find_spellings

EVERYWHERE = None
NOWHERE = frozenset[int | None]()
MOST_LABELS = 127
"""A domain name has no more (RFC 1035, 255 octets)."""

Blocks = Mapping[str, frozenset[int | None]]
"""By address, ids of projects; EVERYWHERE among them where the block is for all."""


def find_blocks(emails: Sequence[ParsedEmail]) -> Blocks:
    """Who sent them and the addresses an answer would go to, in one query; others are left out."""
    by_pattern: dict[str, set[str]] = {}
    for email in emails:
        for address in filter(None, _find_addresses(email)):
            for spelling in find_spellings(address):
                by_pattern.setdefault(spelling, set()).add(address)
                labels = spelling.rpartition("@")[2].split(".")[-MOST_LABELS:]
                for start in range(len(labels)):
                    by_pattern.setdefault("*@" + ".".join(labels[start:]), set()).add(address)
    rows = BlockedSender.objects.filter(pattern__in=by_pattern)
    found: dict[str, frozenset[int | None]] = {}
    for pattern, project_id in rows.values_list("pattern", "project_id"):
        for address in by_pattern[pattern]:
            found[address] = found.get(address, NOWHERE) | {project_id}
    return found


def blocked_in(email: ParsedEmail, blocks: Blocks) -> frozenset[int | None]:
    """The projects that block this message's sender."""
    return NOWHERE.union(*(blocks.get(each, NOWHERE) for each in _find_addresses(email)))


def _find_addresses(email: ParsedEmail) -> set[str]:
    """From too where somebody behind it counts as the sender: a blocked one may name anybody."""
    return {email.sender, email.reply_to, email.shown_from}
