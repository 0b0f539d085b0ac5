"""A repository goes with its project, after the commit; what a crash leaves the sweep removes."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from issues import repositories, tasks
from issues.models import Project
from tests import steps
from tests.clones import plant
from tests.factories import ProjectFactory
from tests.servers.disks import small_disk

SCRIPT = Path(__file__).with_name("removal_steps.py")
LATER = timezone.now() + timedelta(days=2)


def names(root):
    return sorted(path.name for path in root.glob("*.git"))


@pytest.mark.django_db(transaction=True)
def test_it_goes_when_the_deletion_commits_and_not_before(repositories_root):
    gone, kept = ProjectFactory(), ProjectFactory()
    plant(gone)
    plant(kept)
    first, second = f"{gone.pk}.git", f"{kept.pk}.git"
    with transaction.atomic():
        gone.delete()
        assert (repositories_root / first).exists()
    assert names(repositories_root) == [second]
    assert list((repositories_root / ".work").iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_is_rolled_back_removes_nothing(repositories_root):
    project = ProjectFactory()
    commit = plant(project)
    with transaction.atomic():
        Project.objects.get().delete()
        transaction.set_rollback(True)
    assert repositories.find_head(project, "main") == commit


@pytest.mark.django_db(transaction=True)
def test_a_project_without_repository_is_deleted_as_well(repositories_root):
    ProjectFactory().delete()
    assert not Project.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_refuses_does_not_undo_the_deletion(repositories_root, caplog, monkeypatch):
    plant(project := ProjectFactory())

    def refuse(*_words):
        raise PermissionError

    monkeypatch.setattr(Path, "rename", refuse)
    project.delete()
    assert not Project.objects.exists()
    assert "repository not removed" in caplog.text


@pytest.mark.django_db
def test_the_sweep_removes_only_what_is_surely_an_orphan(repositories_root):
    kept = ProjectFactory(pk=50)
    plant(kept)
    for name in ("7.git", "60.git", "notes.git", "8"):
        (repositories_root / name).mkdir()
    outside = repositories_root.parent / f"{repositories_root.name}-elsewhere"
    outside.mkdir()
    (repositories_root / "9.git").symlink_to(outside)
    assert repositories.remove_orphans(now=timezone.now()) == 0
    assert repositories.remove_orphans(now=LATER) == 1
    assert names(repositories_root) == ["50.git", "60.git", "9.git", "notes.git"]
    assert (repositories_root / "8").is_dir()
    assert outside.is_dir()


@pytest.mark.django_db
def test_one_that_cannot_be_moved_away_keeps_no_other_one(repositories_root):
    ProjectFactory(pk=50)
    (repositories_root / "8.git").mkdir(parents=True)
    with small_disk(repositories_root / "7.git", "1m"):
        assert repositories.remove_orphans(now=LATER) == 1
    assert names(repositories_root) == ["7.git"]


@pytest.mark.django_db
def test_the_clock_calls_it(repositories_root):
    ProjectFactory(pk=50)
    orphan = repositories_root / "7.git"
    orphan.mkdir(parents=True)
    os.utime(orphan, (0, 0))
    tasks.remove_orphan_files()
    assert not orphan.exists()


@pytest.fixture
def run_step(tmp_path):
    def run(*names, returncode=0):
        database = tmp_path / "crash.sqlite3"
        words = {"database": database, "returncode": returncode, "ROOT": str(tmp_path)}
        return steps.run_step(SCRIPT, *names, **words)

    run("prepare")
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("die_before_the_commit", "acme/gone acme/kept | 1.git 2.git | 0"),
        ("die_after_the_commit", "acme/kept | 1.git 2.git | 0"),
        ("die_amid_the_removal", "acme/kept | 2.git | 1"),
    ],
)
def test_killed_while_a_project_is_deleted(run_step, step, left):
    run_step(step, returncode=-signal.SIGKILL)
    assert run_step("show") == left
    assert run_step("sweep_at_once", "show") == left
    again = ["delete"] if step == "die_before_the_commit" else []
    assert run_step(*again, "sweep", "show") == "acme/kept | 2.git | 0"
