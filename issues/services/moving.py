"""An issue goes to another project, with all that hangs on it."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import uploads
from issues.models import (
    FormerNumber,
    Issue,
    Label,
    Membership,
    Project,
    Upload,
    User,
    Visibility,
)
from issues.permissions import readers_among
from issues.services.recording import announce_change, lock_item
from issues.services.refusals import Invalid, require
from issues.services.writing import next_issue_iid


@transaction.atomic
def move_issue(*, issue: Issue, actor: User, project: Project) -> None:
    """Notes, files, reply keys and labels of the same names come along, and the former number leads
    to it. It becomes confidential unless whoever reads issues there could read it before: the team
    of that project, which the person chose, and nobody else is added to its readers.

    The person must be a reporter in both projects.
    """
    lock_item(issue)
    require(actor, "issues.triage_item", issue)
    require(actor, "issues.read_internal", project)
    before, number = issue.project, issue.iid
    if before.pk == project.pk:
        raise Invalid([_("It is in this project already.")])
    FormerNumber.objects.create(project=before, iid=number, issue=issue)
    labels = _find_labels(issue, project)
    if not issue.confidential:
        issue.confidential = not _has_no_other_readers(project, before)
    issue.project, issue.iid = project, next_issue_iid(project)
    issue.save(update_fields=["project", "iid", "confidential"])
    issue.labels.set(labels)
    assignees = list(issue.assignees.all())
    issue.assignees.set(readers_among(assignees, issue))
    with uploads.rolled_back_on_error():
        files = Upload.objects.filter(Q(issue=issue) | Q(note__issue=issue))
        uploads.move_uploads(list(files), project)
        moved = gettext_lazy("moved this here from %(origin)s")
        announce_change(issue, actor, moved, origin=f"{before.path}#{number}")


def _find_labels(issue: Issue, project: Project) -> Sequence[Label]:
    """Those of the project that have the names of the issue's."""
    names = [label.name.lower() for label in issue.labels.all()]
    return list(project.labels.alias(folded=Lower("name")).filter(folded__in=names))


def _has_no_other_readers(project: Project, before: Project) -> bool:
    """Whether everybody who reads the issues of `project` reads those of `before` as well, apart
    from confidential ones."""
    if before.visibility == Visibility.PUBLIC:
        return True
    if before.visibility == Visibility.INTERNAL:
        return project.visibility != Visibility.PUBLIC
    if project.visibility != Visibility.PRIVATE:
        return False
    known = Membership.objects.filter(project=before).values("user")
    return not Membership.objects.filter(project=project).exclude(user__in=known).exists()
