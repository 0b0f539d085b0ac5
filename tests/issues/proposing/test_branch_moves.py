"""Branches follow their versions after commit; the sweep finishes what a crash has left."""

import datetime as dt
import os

import pytest
from django.db import transaction

from issues import repositories, services
from issues.models import BranchMove, MergeRequestVersion, Note
from tests.clones import git
from tests.issues.proposals import NOW, head, patch_set


def owed(project, clone, propose, monkeypatch):
    """A version that has committed, and a process that died before the branch moved."""
    monkeypatch.setattr("issues.services.proposing.finish_moves", lambda **_: None)
    clone.oil(3)
    version = propose(clone.patches())
    monkeypatch.undo()
    assert head(project) == ""
    assert repositories.find_pins(project) == {version.pk: version.head_sha}
    return version


def test_the_sweep_finishes_a_move(project, clone, propose, monkeypatch):
    version = owed(project, clone, propose, monkeypatch)
    services.sweep_repositories(now=NOW)  # too young: most likely on its way
    assert head(project) == ""
    for _twice in range(2):
        services.sweep_repositories(now=NOW + dt.timedelta(minutes=1))
        version.refresh_from_db()
        assert (head(project), version.branch_move) == (version.head_sha, BranchMove.DONE)
        assert repositories.find_pins(project) == {}


def test_a_second_version_builds_on_one_whose_branch_has_not_moved(
    project, clone, propose, monkeypatch
):
    first = owed(project, clone, propose, monkeypatch)
    clone.oil(4)
    second = propose(clone.patches(since="HEAD~1"), "inbound-2")
    assert second.old_sha == first.head_sha
    assert head(project) == second.head_sha
    assert set(MergeRequestVersion.objects.values_list("branch_move", flat=True)) == {"done"}


def test_a_lock_of_a_git_that_was_killed_while_it_pinned_keeps_no_version_away(
    project, clone, propose
):
    """The number of a row that never committed is given again on SQLite."""
    lock = repositories.path_of(project) / "refs/letterbox/pending/1.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(repositories.GitError, match="lock"):
        repositories.pin(project, version_id=1, commit=head(project, "main"))
    services.sweep_repositories(now=NOW)
    assert lock.exists()  # it may be of one that still runs
    os.utime(lock, (0, 0))
    services.sweep_repositories(now=NOW)
    assert not lock.exists()
    clone.oil(3)
    version = propose(clone.patches())
    assert head(project) == version.head_sha


def test_a_branch_that_was_moved_meanwhile_stays(project, clone, propose, monkeypatch):
    version = owed(project, clone, propose, monkeypatch)
    clone.git("push", "-q", str(clone.origin), "origin/main:refs/heads/fix")
    pushed = head(project)
    services.sweep_repositories(now=NOW + dt.timedelta(minutes=1))
    version.refresh_from_db()
    assert (head(project), version.branch_move) == (pushed, BranchMove.OVERTAKEN)
    kept = git(repositories.path_of(project), "rev-parse", f"refs/letterbox/versions/{version.pk}")
    assert kept.strip() == version.head_sha
    assert "moved by somebody else" in Note.objects.get(system=True).body


def test_what_a_rolled_back_attempt_left_is_cleared_away(
    project, clone, start, developer, settings
):
    clone.oil(3)
    with transaction.atomic():
        services.propose_merge_request(
            project=project,
            author=developer,
            source_branch="fix",
            target_branch="main",
            patches=patch_set(clone.patches()),
        )
        transaction.set_rollback(True)
    assert len(repositories.find_pins(project)) == 1
    services.sweep_repositories(now=NOW)
    assert len(repositories.find_pins(project)) == 1
    settings.CELERY_TASK_TIME_LIMIT = -1000
    services.sweep_repositories(now=NOW)
    assert repositories.find_pins(project) == {}
    assert repositories.find_branches(project) == ["main"]


def test_stale_locks_and_workplaces_go(project, clone, propose, monkeypatch, settings):
    version = owed(project, clone, propose, monkeypatch)
    directory = repositories.path_of(project)
    (directory / "refs/heads/fix.lock").touch()
    workplace = directory.parent / ".work" / "dead"
    workplace.mkdir()
    later = NOW + dt.timedelta(minutes=1)
    services.sweep_repositories(now=later)
    version.refresh_from_db()
    assert (version.branch_move, workplace.exists()) == (BranchMove.OWED, True)
    settings.CELERY_TASK_TIME_LIMIT = -1000
    services.sweep_repositories(now=later)
    version.refresh_from_db()
    assert (version.branch_move, workplace.exists()) == (BranchMove.DONE, False)


@pytest.mark.parametrize("place", ["heads", "letterbox/pending"])
def test_a_repository_that_cannot_be_cleared_stops_no_other_one(
    project, clone, propose, monkeypatch, settings, place
):
    """As one whose files belong to root, since a command was run by root."""
    settings.CELERY_TASK_TIME_LIMIT = -1000
    version = owed(project, clone, propose, monkeypatch)
    lock = repositories.path_of(project) / "refs" / place / "no-file.lock"
    lock.mkdir(parents=True)
    workplace = repositories.path_of(project).parent / ".work" / "dead"
    workplace.mkdir()
    services.sweep_repositories(now=NOW + dt.timedelta(minutes=1))
    version.refresh_from_db()
    assert not workplace.exists()
    lock.rmdir()
    services.sweep_repositories(now=NOW + dt.timedelta(minutes=1))
    version.refresh_from_db()
    assert version.branch_move == BranchMove.DONE
