"""Where a project or an issue is now that had another path or number before."""

from issues.models import Issue, Project


def find_project(path: str) -> Project | None:
    """The one that has this path, else the one that had it."""
    projects = Project.objects
    return projects.filter(path=path).first() or projects.filter(former_paths__path=path).first()


def find_issue(path: str, iid: int) -> Issue | None:
    """The issue of this number, also by a former path of its project, and where it was moved."""
    project = find_project(path)
    return None if project is None else find_issue_of(project, iid)


def find_issue_of(project: Project, iid: int) -> Issue | None:
    """The issue that has this number in the project, else the one that was moved from there."""
    issues = Issue.objects.select_related("project", "merged_into__project")
    return (
        issues.filter(project=project, iid=iid).first()
        or issues.filter(former_numbers__project=project, former_numbers__iid=iid).first()
    )
