"""A worker killed with SIGKILL while it applies patches: one merge request, one branch state."""

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests import steps

SCRIPT = Path(__file__).with_name("patch_crash_steps.py")
POINTS = [
    "workplace is made",
    "index is filled",
    "patches are applied",
    "commits are found harmless",
    "some objects are published",
    "objects are published",
    "the merge request is inserted",
    "the version is inserted",
    "its commit is pinned",
    "the transaction has committed",
    "the branch has moved",
    "the move is recorded",
]

pytestmark = pytest.mark.slow


def run(folder, *words, returncode=0):
    return steps.run_step(
        SCRIPT,
        *words,
        database=folder / "crash.sqlite3",
        returncode=returncode,
        CRASH_ROOT=str(folder),
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "world"
    folder.mkdir()
    run(folder, "prepare")
    return folder


@pytest.fixture
def folder(prepared, tmp_path):
    """Database and repositories as they are before the attempt."""
    return shutil.copytree(prepared, tmp_path / "world")


def assert_whole(shown):
    (row,) = shown["rows"]
    assert row[0] == "processed"
    assert row[1].startswith("merge request ")
    assert shown["merge_requests"] == [[1, "fix"]]
    assert shown["versions"] == [[1, "done"]]
    assert shown["branches"] == ["fix", "main"]
    assert shown["is_head"] == [True]
    assert shown["commits"] == ["Oil the hinge 3", "Oil the hinge 4"]
    assert shown["pins"] == shown["workplaces"] == []
    assert len(shown["beside"]) == 1


@pytest.mark.parametrize("point", POINTS)
def test_killed_when(folder, point):
    run(folder, "crash", point, returncode=-signal.SIGKILL)
    assert_whole(json.loads(run(folder, "recover")))


def test_killed_while_the_repository_is_made(folder):
    run(folder, "crash_making_the_repository", returncode=-signal.SIGKILL)
    assert_whole(json.loads(run(folder, "recover_the_repository")))
