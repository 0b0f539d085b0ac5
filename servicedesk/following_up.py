"""A closed ticket is taken up again in a new one, with the same people."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import services
from issues.models import Issue, State, User
from issues.services.recording import record_change
from issues.services.refusals import require
from servicedesk.models import Ticket
from servicedesk.participants import add_participants

PERMISSION = "issues.triage_item"


@transaction.atomic
def follow_up(*, issue: Issue, actor: User, now: datetime) -> Issue:
    """Its external participants get the first comment, and nothing before. Raises Invalid unless
    the issue is a closed ticket."""
    require(actor, PERMISSION, issue)
    ticket = Ticket.objects.select_for_update().filter(pk=issue.pk).first()
    if ticket is None or issue.state != State.CLOSED:
        raise services.Invalid([_("Only a closed ticket has a follow-up. Comment on this one.")])
    made = services.create_issue(
        project=issue.project, author=actor, title=issue.title, confidential=issue.confidential
    )
    follower = Ticket.objects.create(issue=made, requester=ticket.requester, proven=ticket.proven)
    people = ticket.participants.to_write_to().order_by("pk").values_list("address", flat=True)
    add_participants(follower, people, added_by=None, now=now)
    number = {"issue": f"#{issue.iid}"}
    record_change(made, actor, gettext_lazy("opened this as a follow-up of %(issue)s"), **number)
    number = {"issue": f"#{made.iid}"}
    record_change(issue, actor, gettext_lazy("opened %(issue)s as a follow-up"), **number)
    return made
