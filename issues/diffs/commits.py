"""The commits of a version, read once and then kept under their names."""

from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from issues import repositories
from issues.models import Project
from issues.repositories import Commit, GitError, GitStopped

FORMAT = 1
KEPT_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Commits:
    newest: tuple[Commit, ...] = ()
    """At most MAX_SHOWN_COMMITS, the oldest of them first."""

    is_cut: bool = False


def find_commits(project: Project, *, base: str, head: str) -> Commits:
    """From `base` to `head`; none where they are not in the repository any more."""
    limit: int = settings.MAX_SHOWN_COMMITS
    key = f"commits-{FORMAT}-{limit}-{project.pk}-{base}-{head}"
    kept = cache.get(key)
    if isinstance(kept, Commits):
        return kept
    try:
        found = repositories.find_commits(project, base=base, head=head, limit=limit + 1)
    except (GitError, GitStopped):
        return Commits()
    commits = Commits(tuple(found[-limit:]), is_cut=len(found) > limit)
    cache.set(key, commits, KEPT_SECONDS)
    return commits
