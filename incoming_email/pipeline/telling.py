"""The team of an issue hears of mail on it that was not acted on: asked of the layer above."""

from typing import Protocol

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Hold, Ignore, Refusal, Reject
from incoming_email.pipeline.attempts import End
from incoming_email.pipeline.resolving import Resolved
from issues.extension_points import ExtensionPoint, declare
from issues.models import Issue


class TellTeam(Protocol):
    def __call__(self, *, issue: Issue, sender: str, refusal: Hold | Reject) -> None:
        """Called in the transaction that records the refusal, while the issue is locked."""


REFUSED_MAIL: ExtensionPoint[TellTeam] = declare(
    "who hears of mail on an issue that was not acted on", takes_several=True
)


def find_issue_id(resolved: Resolved | None, refusal: Refusal) -> int | None:
    """The issue that a message is about which is held or rejected; of a person without an account
    alone, since what a member's key names is theirs to hear of."""
    if resolved is None or isinstance(refusal, Ignore):
        return None
    issue = refusal.issue or resolved.target.item
    return issue.pk if resolved.target.author is None and isinstance(issue, Issue) else None


def tell_team(row: InboundEmail, end: End, refusal: Hold | Reject) -> None:
    """Once a message, however many copies come and however often it is tried. Call before the end
    is written."""
    if end.issue_id is None or row.issue_id == end.issue_id:
        return
    # Who records a copy at the same moment waits, and finds this one.
    Issue.objects.select_for_update().filter(pk=end.issue_id).first()
    issue = Issue.objects.select_related("project").filter(pk=end.issue_id).first()
    if issue is None or _was_told(row, end):
        return
    for tell in REFUSED_MAIL.registered:
        tell(issue=issue, sender=end.sender, refusal=refusal)


def _was_told(row: InboundEmail, end: End) -> bool:
    copies = InboundEmail.objects.filter(
        message_id=end.message_id, sender=end.sender, issue=end.issue_id
    )
    return bool(end.message_id) and copies.exclude(pk=row.pk).exists()
