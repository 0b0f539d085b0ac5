"""Branches move by compare-and-swap, once, and what was pinned is not lost."""

import os
import time

import pytest

from issues import repositories
from issues.repositories import Move
from tests.clones import git, plant


@pytest.fixture
def commits(project, start):
    """Two that follow each other, on no branch."""
    made = [start, *(plant(project, {"x.txt": str(n).encode()}) for n in range(2))]
    git(repositories.path_of(project), "update-ref", "refs/heads/main", start)
    return made


def refs(project):
    shown = git(repositories.path_of(project), "for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.split() for line in shown.splitlines())


def test_a_new_branch_appears_and_its_pin_goes(project, commits):
    repositories.pin(project, version_id=7, commit=commits[1])
    assert repositories.find_pins(project) == {7: commits[1]}
    step = Move(version_id=7, branch="fix", old="", new=commits[1])
    for _twice in range(2):
        assert repositories.move(project, step)
    assert refs(project) == {
        "refs/heads/main": commits[0],
        "refs/heads/fix": commits[1],
        "refs/letterbox/versions/7": commits[1],
    }


def test_a_branch_that_somebody_moved_stays_and_the_version_is_kept(project, commits):
    repositories.pin(project, version_id=7, commit=commits[1])
    git(repositories.path_of(project), "update-ref", "refs/heads/fix", commits[2])
    assert not repositories.move(project, Move(7, "fix", commits[0], commits[1]))
    assert not repositories.move(project, Move(7, "fix", "", commits[1]))
    assert refs(project)["refs/heads/fix"] == commits[2]
    assert refs(project)["refs/letterbox/versions/7"] == commits[1]
    assert repositories.find_pins(project) == {}


def test_a_pin_is_dropped_only_when_it_is_old(project, commits, settings):
    repositories.pin(project, version_id=7, commit=commits[1])
    assert not repositories.drop_pin(project, 7)
    old = time.time() - settings.CELERY_TASK_TIME_LIMIT - settings.GIT_TIMEOUT_SECONDS - 1
    os.utime(repositories.path_of(project) / "refs/letterbox/pending/7", (old, old))
    assert repositories.drop_pin(project, 7)
    assert repositories.find_pins(project) == {}
    assert repositories.drop_pin(project, 7)


def test_commits_and_diff_of_a_range(project, clone, start, developer):
    clone.oil(3, "Oil\n\nIt squeaks.")
    clone.git("push", "-q", str(repositories.path_of(project)), "HEAD:refs/heads/fix")
    head = repositories.find_head(project, "fix")
    (commit,) = repositories.find_commits(project, base=start, head=head)
    assert (commit.sha, commit.subject, commit.body) == (head, "Oil", "It squeaks.")
    assert (commit.author_name, commit.author_email) == ("Jörg Müller", "joerg@example.com")
    diff = repositories.find_diff(project, base=start, head=head)
    assert diff.decode().endswith(clone.git("diff", "--full-index", start, head))
    assert repositories.find_merge_base(project, start, head) == start
