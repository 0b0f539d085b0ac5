"""Block a sender for a project, and take that back."""

from incoming_email.models import BlockedSender
from issues.mail_addresses import find_spellings, lower_ascii
from issues.models import Project


def block(address: str, project: Project) -> None:
    """Ignore mail of this sender to this project from now on; once more changes nothing."""
    BlockedSender.objects.get_or_create(pattern=lower_ascii(address), project=project)


def unblock(address: str, project: Project) -> None:
    """Take that back; a block of the whole domain, or for all projects, stays."""
    BlockedSender.objects.filter(pattern__in=find_spellings(address), project=project).delete()
