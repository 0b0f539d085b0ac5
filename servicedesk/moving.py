"""A member moves a ticket, or any issue, to another project."""

from django.db import transaction
from django.utils.translation import gettext as _

from incoming_email.held_mail import carry_held
from issues import services
from issues.models import Issue, Note, Project, User, Visibility
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
    before = issue.project
    services.move_issue(issue=issue, actor=actor, project=project)
    carry_held(issue, issue)
    if ticket is not None:
        services.copy_names(_find_addresses(ticket), before=before, to=project)
    if ticket is not None and project.visibility == Visibility.PUBLIC:
        services.set_confidential(item=issue, actor=actor, confidential=True)


def _find_addresses(ticket: Ticket) -> set[str]:
    """Of all outside who take part in it, or have written in it."""
    notes = Note.objects.filter(issue=ticket.pk).exclude(external_author="")
    writers = notes.order_by().values_list("external_author", flat=True).distinct()
    people = ticket.participants.values_list("address", flat=True)
    return {ticket.requester, *writers, *people} - {""}
