"""Files go with what they belong to, after the commit; what a crash leaves the sweep removes."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from issues import services, tasks, uploads
from issues.models import Note, Role, Upload
from issues.uploads import NewFile, removing
from tests.admin_site import admin, admin_user, issues_url
from tests.factories import MembershipFactory

__all__ = ["admin", "admin_user"]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def new_file(source):
    return NewFile("plan.txt", "text/plain", source.encode(), source=source)


@pytest.fixture
def issue():
    """With two files of its own, and one of its note."""
    membership = MembershipFactory(role=Role.MAINTAINER)
    issue = services.create_issue(
        project=membership.project,
        author=membership.user,
        title="It squeaks",
        files=[new_file("a"), new_file("b")],
    )
    services.create_note(item=issue, author=membership.user, body="See", files=[new_file("c")])
    return issue


def kept():
    """What the files hold, by what is on the disk."""
    root = Path(settings.MEDIA_ROOT)
    return sorted(path.read_text() for path in root.rglob("*") if path.is_file())


def folders(media_root):
    return [path.name for path in media_root.glob("uploads/*/*")]


def sweep(*, now):
    return sum(uploads.remove_orphans(project, now=now) for project in uploads.find_projects())


def age(folder, days=2):
    then = (timezone.now() - days * DAY).timestamp()
    os.utime(folder, (then, then))


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("model", "left"),
    [("project", []), ("issue", []), ("note", ["a", "b"]), ("upload", ["b", "c"])],
)
def test_the_admin_deletes_files_with_their_row(
    admin, issue, media_root, model, left, many, django_capture_on_commit_callbacks
):
    upload = Upload.objects.earliest("pk")
    row = {"project": issue.project, "issue": issue, "note": Note.objects.get(), "upload": upload}
    assert kept() == ["a", "b", "c"]
    with django_capture_on_commit_callbacks() as callbacks:
        if many:
            address = issues_url(model, "changelist")
            data = {"action": "delete_selected", "_selected_action": row[model].pk, "post": "yes"}
            admin.post(address, data)
        else:
            admin.post(issues_url(model, "delete", row[model].pk), {"post": "yes"})
    assert kept() == ["a", "b", "c"], "until the commit the rows may come back"
    for callback in callbacks:
        callback()
    assert kept() == left
    assert len(folders(media_root)) == Upload.objects.count() == len(left)


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_is_rolled_back_removes_nothing(issue):
    with transaction.atomic():
        issue.delete()
        transaction.set_rollback(True)
    assert kept() == ["a", "b", "c"]


@pytest.mark.django_db(transaction=True)
def test_a_file_that_cannot_be_removed_keeps_no_other_and_no_fault(issue, monkeypatch):
    real = removing.remove_file

    def refuse_one(path):
        if path.read_text() == "a":
            raise PermissionError(path)
        real(path)

    monkeypatch.setattr(removing, "remove_file", refuse_one)
    issue.project.delete()
    assert kept() == ["a"]


@pytest.mark.usefixtures("issue")
def test_killed_after_the_commit_the_sweep_removes_what_is_left(media_root):
    removed = Upload.objects.earliest("pk")
    with transaction.atomic():
        removed.delete()  # a test's transaction runs no callbacks, like a process that is killed
    for folder in media_root.glob("uploads/*/*"):
        age(folder)
    assert sweep(now=timezone.now()) == 1
    assert kept() == ["b", "c"]
    assert sweep(now=timezone.now()) == 0


def test_killed_before_the_commit_the_sweep_removes_it_too(media_root):
    membership = MembershipFactory()
    folder = media_root / "uploads" / str(membership.project_id) / ("0" * 32)
    folder.mkdir(parents=True)
    (folder / ".part").write_text("half")
    assert sweep(now=timezone.now()) == 0, "its row may commit at any moment"
    assert sweep(now=timezone.now() + 2 * DAY) == 1
    assert not folder.exists()


def test_the_time_is_a_setting(media_root, settings):
    settings.ORPHAN_FILE_HOURS = 1
    folder = media_root / "uploads" / "7" / ("f" * 32)
    folder.mkdir(parents=True)
    assert sweep(now=timezone.now() + timedelta(minutes=59)) == 0
    assert sweep(now=timezone.now() + timedelta(minutes=61)) == 1


def test_what_is_not_ours_stays(media_root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / ("0" * 32)).mkdir()
    root = media_root / "uploads"
    for name in ("7/readme", "theme/" + "0" * 32, "7/" + "0" * 31, "8/.well-known"):
        (root / name).mkdir(parents=True)
    (root / "7" / ("1" * 32)).symlink_to(elsewhere)
    (root / "9").symlink_to(elsewhere)
    (root / "7" / ("2" * 32)).write_text("a file")
    assert sweep(now=timezone.now() + 2 * DAY) == 0
    assert (elsewhere / ("0" * 32)).exists()


def test_a_file_that_is_written_at_this_moment_is_given_back(media_root, monkeypatch):
    """A late attempt at a message writes to the same place while the sweep removes it."""
    folder = media_root / "uploads" / "7" / ("0" * 32)
    folder.mkdir(parents=True)
    age(folder)
    real = removing.Path.rename

    def write_first(path, target):
        if path == folder:
            (folder / "plan.txt").write_text("new")
        return real(path, target)

    monkeypatch.setattr(removing.Path, "rename", write_first)
    assert sweep(now=timezone.now()) == 0
    assert (folder / "plan.txt").read_text() == "new"


def test_what_a_killed_sweep_put_aside_the_next_one_removes(media_root):
    aside = media_root / "uploads" / "7" / (removing.TRASH + "0" * 32)
    aside.mkdir(parents=True)
    (aside / "plan.txt").write_text("old")
    age(aside)
    assert sweep(now=timezone.now()) == 1
    assert not aside.exists()


def test_a_folder_that_cannot_be_put_aside_keeps_no_other_one(media_root):
    """As after a sweep that was killed while it removed one, and a retry that made it again."""
    secrets = [f"{number:032x}" for number in range(5)]
    for folder in (*secrets, *(removing.TRASH + secret for secret in secrets)):
        path = media_root / "uploads" / "7" / folder
        path.mkdir(parents=True)
        (path / "plan.txt").write_text("old")
        age(path)
    for _twice in range(2):
        uploads.remove_orphans(7, now=timezone.now())
    assert folders(media_root) == []


def test_many_are_looked_up_in_few_queries(media_root, django_assert_num_queries):
    for number in range(1100):
        (media_root / "uploads" / "7" / f"{number:032x}").mkdir(parents=True)
    with django_assert_num_queries(3):
        assert sweep(now=timezone.now() + 2 * DAY) == 1100


def test_the_task_goes_on_where_its_time_was_over(media_root, settings, monkeypatch):
    settings.TASK_BUDGET_SECONDS = settings.ORPHAN_FILE_HOURS = 0
    for project in (7, 9, 10):
        (media_root / "uploads" / str(project) / ("a" * 32)).mkdir(parents=True)
    sent = []
    monkeypatch.setattr(tasks.remove_orphan_files, "apply_async", lambda **o: sent.append(o))
    tasks.remove_orphan_files()
    for _ in range(3):
        tasks.remove_orphan_files(**sent[-1]["kwargs"])
    assert [each["kwargs"]["after"] for each in sent] == [7, 9, 10]
    assert not list(media_root.glob("uploads/*/*"))


def test_the_task_sweeps(media_root, settings):
    settings.ORPHAN_FILE_HOURS = 0
    folder = media_root / "uploads" / "7" / ("0" * 32)
    folder.mkdir(parents=True)
    age(folder)
    tasks.remove_orphan_files()
    assert not folder.exists()
