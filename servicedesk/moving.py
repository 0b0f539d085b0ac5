"""A member moves a ticket, or any issue, to another project."""

from django.db import transaction
from django.utils.translation import gettext as _

from issues import services
from issues.models import Issue, Project, User, Visibility
from issues.services.refusals import require
from servicedesk.models import ServiceDesk, Ticket

PERMISSION = "issues.triage_item"


@transaction.atomic
def move(*, issue: Issue, actor: User, project: Project) -> None:
    """Mail to its former keys, threads and numbers arrives there. A ticket needs a desk there, from
    which its external participants are written to. Raises what `move_issue` raises."""
    require(actor, PERMISSION, issue)
    require(actor, "issues.read_internal", project)
    ticket = Ticket.objects.select_for_update().filter(pk=issue.pk).first()
    if (
        ticket is not None
        and not ServiceDesk.objects.filter(project=project, enabled=True).exists()
    ):
        raise services.Invalid(
            [
                _("%(project)s has no service desk. A maintainer can switch it on.")
                % {"project": project}
            ]
        )
    services.move_issue(issue=issue, actor=actor, project=project)
    if ticket is not None and project.visibility == Visibility.PUBLIC:
        services.set_confidential(item=issue, actor=actor, confidential=True)
