"""Which addresses are blocked; and the block of a sender that comes with marking a ticket as spam,
and goes with it."""

from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet

from incoming_email.models import BlockedSender
from issues.mail_addresses import find_spellings, lower_ascii
from issues.models import Project

MOST_LABELS = 127
"""A domain name has no more (RFC 1035, 255 octets)."""


def find_patterns(address: str) -> Iterator[str]:
    """Of every row that would block it: its spellings, and the domains that it is in."""
    for spelling in find_spellings(address):
        yield spelling
        labels = spelling.rpartition("@")[2].split(".")[-MOST_LABELS:]
        for start in range(len(labels)):
            yield "*@" + ".".join(labels[start:])


def find_blocked(addresses: Iterable[str], project: Project) -> set[str]:
    """Those whose mail to this project is ignored. One query."""
    by_pattern: dict[str, set[str]] = {}
    for address in addresses:
        for pattern in find_patterns(address):
            by_pattern.setdefault(pattern, set()).add(address)
    rows = BlockedSender.objects.filter(
        Q(project=None) | Q(project=project), pattern__in=by_pattern
    )
    return set().union(*(by_pattern[each] for each in rows.values_list("pattern", flat=True)))


def block(address: str, project: Project) -> None:
    """Ignore mail of this sender to this project from now on. A block that is there stays whose it
    is. In a transaction: who takes it back at the same moment waits for the end of it."""
    BlockedSender.objects.select_for_update().get_or_create(
        pattern=lower_ascii(address), project=project, defaults={"by_spam": True}
    )


def find_taken_back(address: str, project: Project) -> QuerySet[BlockedSender]:
    """What "not spam" takes back; the block of a person, of the whole domain or for all projects
    stays."""
    return BlockedSender.objects.filter(
        pattern__in=find_spellings(address), project=project, by_spam=True
    )
