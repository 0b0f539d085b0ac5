"""Which senders of a group of messages are blocked, and for which projects."""

from collections.abc import Sequence

from incoming_email.models import BlockedSender
from incoming_email.parsing.types import ParsedEmail

EVERYWHERE = None
MOST_LABELS = 127
"""A domain name has no more (RFC 1035, 255 octets)."""


def find_blocks(emails: Sequence[ParsedEmail]) -> list[set[int | None]]:
    """By message, the ids of projects that block who sent it or the address that an answer would go
    to; EVERYWHERE among them where the block is for all. One query."""
    by_pattern: dict[str, set[int]] = {}
    for number, email in enumerate(emails):
        # From too where somebody behind it counts as the sender: a blocked one may name anybody.
        for address in {email.sender, email.reply_to, email.shown_from} - {""}:
            by_pattern.setdefault(address, set()).add(number)
            labels = address.rpartition("@")[2].split(".")[-MOST_LABELS:]
            for start in range(len(labels)):
                by_pattern.setdefault("*@" + ".".join(labels[start:]), set()).add(number)
    found = [set[int | None]() for _ in emails]
    rows = BlockedSender.objects.filter(pattern__in=by_pattern)
    for pattern, project_id in rows.values_list("pattern", "project_id"):
        for number in by_pattern[pattern]:
            found[number].add(project_id)
    return found
