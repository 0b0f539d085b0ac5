"""The block of a sender that comes with marking a ticket as spam, and goes with it."""

from django.db.models import QuerySet

from incoming_email.models import BlockedSender
from issues.mail_addresses import find_spellings, lower_ascii
from issues.models import Project


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
