"""Branches follow the versions that have committed; what a crash left is finished by the sweep."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from issues import repositories
from issues.models import BranchMove, Merge, MergeRequestVersion, Project
from issues.repositories import GitError, GitStopped, Move
from issues.services.merging import finish_merges
from issues.services.recording import announce_change
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)
SWEEP_AFTER = timedelta(seconds=30)
"""A move that is due for less is most likely in progress."""

FAULTS = (GitError, GitStopped, OSError)
"""One broken repository, or one that belongs to another user, must not stop the others."""


def finish_moves(*, project: Project) -> None:
    """Move the project's branches to their newest versions, the oldest move first.

    Called after commit, and again by the sweep: twice is once. Two at a time do no harm, since
    each move is a compare-and-swap.
    """
    owed = MergeRequestVersion.objects.filter(
        merge_request__project=project, branch_move=BranchMove.OWED
    )
    for version in owed.select_related("merge_request__project", "author").order_by("pk"):
        _finish(version)


def _finish(version: MergeRequestVersion) -> None:
    merge_request = version.merge_request
    step = Move(version.pk, merge_request.source_branch, version.old_sha, version.head_sha)
    moved = repositories.move(merge_request.project, step)
    end = BranchMove.DONE if moved else BranchMove.OVERTAKEN
    with transaction.atomic():
        mine = MergeRequestVersion.objects.filter(pk=version.pk, branch_move=BranchMove.OWED)
        if mine.update(branch_move=end) and not moved and version.author is not None:
            announce_change(
                merge_request,
                version.author,
                _(
                    "made version %(number)s, but the branch was moved by somebody else meanwhile."
                    " The branch stays as it is, and the commits are kept. Send the patches again."
                ),
                number=str(version.number),
            )


def sweep_repositories(*, now: datetime, budget: Budget = UNLIMITED) -> None:
    """Finish the moves that a crash or a fault has left, and clear away what nothing needs. The
    next call goes on where the budget is over."""
    owed = MergeRequestVersion.objects.filter(
        branch_move=BranchMove.OWED, created_at__lt=now - SWEEP_AFTER
    )
    merges = Merge.objects.filter(branch_move=BranchMove.OWED, created_at__lt=now - SWEEP_AFTER)
    ids = {
        project
        for rows in (owed, merges)
        for project in rows.order_by()
        .values_list("merge_request__project", flat=True)
        .distinct()[: settings.SWEEP_BATCH]
    }
    for project in Project.objects.filter(pk__in=ids):
        if budget.is_over():
            return
        try:
            repositories.remove_stale_locks(project)
            finish_moves(project=project)
            finish_merges(project=project)
        except FAULTS as error:
            logger.warning("branch not moved project=%s: %s", project.pk, error)
    _drop_pins()
    repositories.remove_old_workplaces()


def _drop_pins() -> None:
    """Of versions that never committed. A pin whose move is still due is dropped by the move."""
    for project_id in repositories.find_pinned_projects()[: settings.SWEEP_BATCH]:
        project = Project(pk=project_id)
        # A git that was killed while it pinned has left one, and its version never came: no move is
        # owed, and SQLite gives the number of that version to the next one.
        try:
            repositories.remove_stale_locks(project)
            pins = repositories.find_pins(project)
            owed = MergeRequestVersion.objects.filter(pk__in=pins, branch_move=BranchMove.OWED)
            for version_id in pins.keys() - set(owed.values_list("pk", flat=True)):
                repositories.drop_pin(project, version_id)
        except FAULTS as error:
            logger.warning("pins not dropped project=%s: %s", project_id, error)
