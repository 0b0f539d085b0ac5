"""Merging: whether a merge request can be merged, and doing so, safe to repeat after a crash."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from issues import repositories
from issues.models import (
    BranchMove,
    Merge,
    MergeRequest,
    Project,
    State,
    User,
)
from issues.repositories import GitError, GitStopped, Joining
from issues.services.recording import announce_change, lock_item
from issues.services.refusals import Invalid, require

logger = logging.getLogger(__name__)
FORMAT = 1
KEPT_SECONDS = 7 * 24 * 3600
MAX_NAMED_FILES = 5


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What would be merged, and why it can't be (a sentence; empty if it can)."""

    target: str = ""
    source: str = ""
    is_forward: bool = False
    obstacle: str = ""


def plan_merge(item: MergeRequest) -> MergePlan:
    """Two questions to git; a third, whether it merges cleanly, is asked once a pair of commits."""
    target, source, obstacle = _find_ends(item)
    if obstacle:
        return MergePlan(obstacle=obstacle)
    try:
        joining = _try_join(item.project, target, source)
    except (GitStopped, GitError) as error:
        return MergePlan(obstacle=_explain(item, error))
    return MergePlan(target, source, joining.is_forward, _describe(joining))


@transaction.atomic
def merge(*, item: MergeRequest, actor: User, now: datetime) -> None:
    """Nothing happens to what is merged already, or is about to be. The branch moves on commit.

    Raises Invalid, which names the files of a conflict, and then nothing has changed.
    """
    # Whoever comes second sees what the first one did: a branch takes one merge at a time.
    item.project = Project.objects.select_for_update().get(pk=item.project_id)
    lock_item(item)
    # Of the branch that it goes to now, which may be another than when the item was read.
    require(actor, "issues.merge_item", item)
    if item.merges.exclude(branch_move=BranchMove.OVERTAKEN).exists():
        transaction.on_commit(partial(finish_merges, project=item.project), robust=True)
        return
    if item.state != State.OPENED:
        raise Invalid([_("It is not open, so it can't be merged. Open it again first.")])
    target, source, obstacle = _find_ends(item)
    if obstacle:
        raise Invalid([obstacle])
    joining = _join(item, actor, now, target=target, source=source)
    if not joining.is_clean:
        raise Invalid([_describe(joining)])
    Merge.objects.create(
        merge_request=item,
        author=actor,
        target_branch=item.target_branch,
        source_sha=source,
        old_sha=target,
        new_sha=joining.commit,
        created_at=now,
    )
    transaction.on_commit(partial(finish_merges, project=item.project), robust=True)


def finish_merges(*, project: Project) -> None:
    """Move the branches of committed merges, the oldest first, and record what came of it.

    Called after commit, and again by the sweep: twice is once.
    """
    owed = Merge.objects.filter(merge_request__project=project, branch_move=BranchMove.OWED)
    for row in owed.select_related("merge_request__project", "author").order_by("pk"):
        moved = repositories.move_branch(
            project, branch=row.target_branch, old=row.old_sha, new=row.new_sha
        )
        _record(row, moved=moved)


@transaction.atomic
def _record(row: Merge, *, moved: bool) -> None:
    item = row.merge_request
    lock_item(item)
    end = BranchMove.DONE if moved else BranchMove.OVERTAKEN
    mine = Merge.objects.filter(pk=row.pk, branch_move=BranchMove.OWED)
    if not mine.update(branch_move=end):
        return
    if moved:
        item.state = State.MERGED
        item.closed_at = row.created_at
        item.save(update_fields=["state", "closed_at"])
    if row.author is None:
        return
    done = gettext_lazy("merged this into %(branch)s as %(commit)s")
    overtaken = gettext_lazy(
        "could not merge this into %(branch)s, since somebody else moved that branch meanwhile."
        " Nothing has changed; merge it again"
    )
    values = {"branch": row.target_branch, "commit": row.new_sha[:10]}
    announce_change(item, row.author, done if moved else overtaken, **values)


def _find_ends(item: MergeRequest) -> tuple[str, str, str]:
    """Commits of the target branch and of the newest version, or a sentence why not."""
    version = item.versions.order_by("-number").first()
    if version is None:
        return "", "", _("No commits have come yet, so there is nothing to merge.")
    if item.draft:
        return "", "", _("It is a draft. Mark it as ready first.")
    branch = repositories.find_head(item.project, item.source_branch)
    if version.branch_move != BranchMove.OWED and branch not in {"", version.head_sha}:
        sentence = _(
            "The branch %(branch)s holds other commits than version %(number)s, which was reviewed."
            " Send them as a new version first."
        )
        values = {"branch": item.source_branch, "number": version.number}
        return "", "", sentence % values
    target = _find_target(item)
    if not target:
        sentence = _("There is no branch %(branch)s to merge into.")
        return "", "", sentence % {"branch": item.target_branch}
    return target, version.head_sha, ""


def _find_target(item: MergeRequest) -> str:
    """The head of the target branch, including moves that have committed and are still due."""
    of_project = {"merge_request__project": item.project_id, "branch_move": BranchMove.OWED}
    merges = Merge.objects.filter(target_branch=item.target_branch, **of_project)
    if newest := merges.order_by("-pk").values_list("new_sha", flat=True).first():
        return newest
    return repositories.find_head(item.project, item.target_branch)


def _try_join(project: Project, target: str, source: str) -> Joining:
    key = f"join-{FORMAT}-{project.pk}-{target}-{source}"
    kept = cache.get(key)
    if isinstance(kept, Joining):
        return kept
    joining = repositories.try_join(project, target=target, source=source)
    cache.set(key, joining, KEPT_SECONDS)
    return joining


def _join(item: MergeRequest, actor: User, now: datetime, *, target: str, source: str) -> Joining:
    message = (
        f"Merge branch '{item.source_branch}' into '{item.target_branch}'\n\n"
        f"{item.title}\n\nSee merge request {item}\n"
    )
    try:
        return repositories.join(
            item.project, target=target, source=source, message=message, author=actor, now=now
        )
    except (GitStopped, GitError) as error:
        raise Invalid([_explain(item, error)]) from error


def _explain(item: MergeRequest, error: GitError | GitStopped) -> str:
    if isinstance(error, GitError):  # a damaged repository, or git before 2.38
        logger.warning("not merged merge_request=%s: %s", item.pk, error)
        return _("git could not merge this. The administrator finds the reason in the log.")
    return _("Merging took too much time, so nothing was changed. Merge it with git yourself.")


def _describe(joining: Joining) -> str:
    """The obstacle in a sentence; empty if there is none."""
    if joining.is_unrelated:
        return _("The two branches have no commit in common, so they can't be merged here.")
    if not joining.conflicts:
        return ""
    count = len(joining.conflicts)
    names = ", ".join(f"“{path}”" for path in joining.conflicts[:MAX_NAMED_FILES])
    if count > MAX_NAMED_FILES:
        names += " …"
    return ngettext(
        "It conflicts with the target branch in %(count)s file: %(names)s."
        " Rebase the commits and send them as a new version.",
        "It conflicts with the target branch in %(count)s files: %(names)s."
        " Rebase the commits and send them as a new version.",
        count,
    ) % {"count": count, "names": names}
