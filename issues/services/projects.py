"""Projects, who is in them, and their labels."""

from pathlib import Path

from django.db import transaction

from issues import repositories
from issues.models import (
    MAIL_FIELDS,
    FormerPath,
    Label,
    Membership,
    Project,
    Role,
    User,
    Visibility,
)
from issues.services.refusals import require, require_valid

DEFAULT_COLOR = "#6699cc"


@transaction.atomic
def create_project(
    *,
    path: str,
    name: str = "",
    visibility: str = Visibility.PRIVATE,
    owner: User | None = None,
    description: str = "",
) -> Project:
    project = Project(
        path=path,
        name=name.strip() or path.rpartition("/")[2],
        visibility=visibility,
        description=description,
    )
    require_valid(project)
    project.save()
    if owner is not None:
        add_member(project=project, user=owner, role=Role.OWNER)
    return project


@transaction.atomic
def save_project(*, project: Project) -> None:
    """Where its path changed, the former one still leads to it."""
    rows = Project.objects.select_for_update().filter(pk=project.pk)
    former = rows.values_list("path", flat=True).first()
    project.save()
    if former is not None and former != project.path:
        FormerPath.objects.update_or_create(path=former, defaults={"project": project})


@transaction.atomic
def save_project_mail(*, project: Project, actor: User) -> None:
    """What it takes by mail."""
    require(actor, "issues.administer_project", project)
    project.save(update_fields=MAIL_FIELDS)


@transaction.atomic
def add_member(*, project: Project, user: User, role: int) -> Membership:
    """Also changes the role of a member."""
    membership, _created = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    return membership


@transaction.atomic
def create_label(*, project: Project, name: str, color: str = DEFAULT_COLOR) -> Label:
    label = Label(project=project, name=name.strip(), color=color)
    require_valid(label)
    label.save()
    return label


@transaction.atomic
def import_repository(*, project: Project, source: Path) -> str:
    """Copy a repository or bundle of this machine; the branch of its HEAD becomes the default.

    Raises Refused where the project has branches already, or the source can't be read.
    """
    project.default_branch = repositories.import_repository(project, source)
    require_valid(project)
    project.save(update_fields=["default_branch"])
    return project.default_branch
