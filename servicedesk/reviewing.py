"""Members accept held mail on a ticket as a comment of its sender, or discard it."""

from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from incoming_email import held_mail
from issues import services
from issues.models import Issue, Role, User
from issues.permissions import has_role
from issues.services.refusals import require
from servicedesk import joining
from servicedesk.models import Ticket
from servicedesk.participants import find_participant

PERMISSION = "issues.triage_item"


def may_review(reader: User, issue: Issue) -> bool:
    """Reporters and above, who may see addresses; also where nothing may be changed."""
    return has_role(reader, issue.project, Role.REPORTER)


def accept(*, issue: Issue, actor: User, message: int, joins: bool, now: datetime) -> list[int]:
    """It becomes a comment of its sender; with `joins` they participate from now on, and get what
    is written. Returns what was accepted: nothing where it was not held any more. Raises Invalid
    where nothing was changed for a reason."""
    require(actor, PERMISSION, issue)
    if issue.locked:
        raise services.Invalid([_("The discussion is locked. Unlock it, then accept the mail.")])
    sender = _find_sender(issue, message)
    if sender is None:
        return []
    also = partial(_let_in, issue, actor, sender, now) if joins else None
    return held_mail.decide([message], actor=actor, release=True, also=also)


def discard(*, issue: Issue, actor: User, message: int) -> list[int]:
    """Its sender is not told. Returns what was discarded."""
    require(actor, PERMISSION, issue)
    ids = [message] if _find_sender(issue, message) is not None else []
    return held_mail.decide(ids, actor=actor, release=False)


def _let_in(issue: Issue, actor: User, sender: str, now: datetime) -> None:
    if find_participant(Ticket.objects.get(pk=issue.pk), sender) is None:
        joining.add_people(issue=issue, actor=actor, addresses=[sender], now=now)


def _find_sender(issue: Issue, message: int) -> str | None:
    """None where it is not held on this issue."""
    return held_mail.find_held_on(issue).filter(pk=message).values_list("sender", flat=True).first()
