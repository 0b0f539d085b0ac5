"""Merging: what is allowed, what git makes of it, and that the branch moves once."""

import datetime as dt
from pathlib import Path

import pytest
from django.core.cache import cache

from issues import repositories, services
from issues.models import (
    Announcement,
    BranchMove,
    Merge,
    MergeRequest,
    Note,
    Project,
    Role,
    State,
)
from issues.repositories.running import Answer
from issues.services import Invalid, NotAllowed
from tests.clones import Clone, git, plant
from tests.factories import MembershipFactory, MergeRequestFactory, ProjectFactory
from tests.issues.proposals import propose

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def project():
    return ProjectFactory(path="acme/shop")


@pytest.fixture
def start(project):
    return plant(project)


@pytest.fixture
def clone(project, start, tmp_path):
    return Clone(project, tmp_path / "clone")


@pytest.fixture
def maintainer(project):
    return MembershipFactory(
        project=project, role=Role.MAINTAINER, user__username="max", user__first_name="Max"
    ).user


@pytest.fixture
def version(clone, project, maintainer):
    clone.oil(3)
    return propose(clone, project, maintainer)


@pytest.fixture
def merge(maintainer, django_capture_on_commit_callbacks):
    def merge(item, actor=None):
        with django_capture_on_commit_callbacks(execute=True):
            services.merge(item=item, actor=actor or maintainer, now=NOW)
        item.refresh_from_db()

    return merge


def main_of(project):
    return repositories.find_head(project, "main")


def move_on(project, files=None):
    """Somebody else's commit on the target branch."""
    return plant(project, files or {"other.txt": b"other\n"})


def last_note(item):
    return item.notes.latest("pk").body


def test_a_target_without_news_moves_forward(project, version, merge):
    item = version.merge_request
    plan = services.plan_merge(item)
    assert (plan.is_forward, plan.obstacle) == (True, "")
    merge(item)
    assert main_of(project) == version.head_sha
    assert (item.state, item.closed_at) == (State.MERGED, NOW)
    assert last_note(item) == f"merged this into main as {version.head_sha[:10]}"
    assert Announcement.objects.filter(note__body__startswith="merged this").count() == 1


def test_lines_that_went_apart_get_a_merge_commit(project, version, merge, maintainer):
    item, other = version.merge_request, move_on(project)
    assert not services.plan_merge(item).is_forward
    merge(item)
    repository = repositories.path_of(project)
    shown = git(repository, "log", "-1", "--format=%P|%an|%cn|%ct|%B", "main")
    parents, author, committer, moment, message = shown.strip().split("|")
    assert parents.split() == [other, version.head_sha]
    assert (author, committer, int(moment)) == ("Max", "Max", int(NOW.timestamp()))
    assert message == (
        "Merge branch 'fix' into 'main'\n\nOil the hinge 3\n\nSee merge request acme/shop!1"
    )
    assert git(repository, "show", "main:other.txt") == "other\n"
    assert "hinge 3, oiled" in git(repository, "show", "main:door.txt")
    assert item.state == State.MERGED


def test_a_conflict_names_the_files_and_changes_nothing(project, version, merge):
    item = version.merge_request
    other = move_on(project, {"door.txt": b"no hinges\n", "docs/readme.md": b"x\n"})
    said = (
        "It conflicts with the target branch in 1 file: “door.txt”."
        " Rebase the commits and send them as a new version."
    )
    assert services.plan_merge(item).obstacle == said
    with pytest.raises(Invalid) as refusal:
        merge(item)
    assert str(refusal.value) == said
    assert main_of(project) == other
    assert not Merge.objects.exists()


def test_trying_leaves_nothing_in_the_repository(project, version):
    def everything():
        return sorted(map(str, Path(repositories.path_of(project)).rglob("*")))

    move_on(project)
    before = everything()
    assert services.plan_merge(version.merge_request).obstacle == ""
    assert everything() == before


def test_it_is_tried_once_a_pair_of_commits(project, version, monkeypatch):
    move_on(project)
    first = services.plan_merge(version.merge_request)
    monkeypatch.setattr(repositories, "try_join", None)
    assert services.plan_merge(version.merge_request) == first


def test_the_rules_of_the_target_branch_hold(project, clone, version, merge):
    developer = MembershipFactory(project=project).user
    with pytest.raises(NotAllowed):
        merge(version.merge_request, developer)
    git(
        repositories.path_of(project),
        "update-ref",
        "refs/heads/next",
        clone.git("rev-parse", "origin/HEAD").strip(),
    )
    item = version.merge_request
    item.target_branch = "next"
    item.save()
    merge(item, developer)
    assert repositories.find_head(project, "next") == version.head_sha
    with pytest.raises(NotAllowed):
        merge(item, MembershipFactory(project=project, role=Role.REPORTER).user)


def test_the_right_is_asked_for_the_branch_that_it_goes_to(project, version, merge):
    """Not for the one it had as the page was read: the target is changed while the merge waits."""
    developer = MembershipFactory(project=project).user
    item = version.merge_request
    before = main_of(project)
    item.target_branch = "next"  # what the page has read; the row says main
    with pytest.raises(NotAllowed):
        merge(item, developer)
    assert (main_of(project), Merge.objects.count()) == (before, 0)


def test_the_right_is_asked_by_the_protection_of_today(project, clone, version, merge):
    developer = MembershipFactory(project=project).user
    start = clone.git("rev-parse", "origin/HEAD").strip()
    git(repositories.path_of(project), "update-ref", "refs/heads/next", start)
    MergeRequest.objects.update(target_branch="next")
    item = MergeRequest.objects.select_related("project").get()
    Project.objects.update(protected_branches="next")
    with pytest.raises(NotAllowed):
        merge(item, developer)
    assert repositories.find_head(project, "next") == start


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"draft": True}, "It is a draft."),
        ({"state": State.CLOSED}, "It is not open"),
        ({"target_branch": "gone"}, "There is no branch gone to merge into."),
    ],
)
def test_what_stands_in_the_way_is_said(version, merge, change, said):
    MergeRequest.objects.filter(pk=version.merge_request_id).update(**change)
    with pytest.raises(Invalid, match=said):
        merge(MergeRequest.objects.get())
    assert not Merge.objects.exists()


def test_without_commits_there_is_nothing_to_merge(project, start, merge):
    with pytest.raises(Invalid, match="No commits have come yet"):
        merge(MergeRequestFactory(project=project))


def test_commits_that_nobody_reviewed_are_not_merged(project, clone, version, merge):
    clone.oil(9)
    clone.git("push", "-q", "--force", str(clone.origin), "HEAD:refs/heads/fix")
    with pytest.raises(Invalid, match="holds other commits than version 1"):
        merge(version.merge_request)


def test_a_source_branch_that_is_gone_is_no_obstacle(project, version, merge):
    git(repositories.path_of(project), "update-ref", "-d", "refs/heads/fix")
    merge(version.merge_request)
    assert main_of(project) == version.head_sha


def test_branches_without_a_common_commit_are_refused(project, version, merge):
    repository = repositories.path_of(project)
    tree = git(repository, "rev-parse", f"{version.head_sha}^{{tree}}").strip()
    alone = git(repository, "commit-tree", tree, "-m", "Alone").strip()
    git(repository, "update-ref", "refs/heads/main", alone)
    with pytest.raises(Invalid, match="no commit in common"):
        merge(version.merge_request)


def test_a_git_that_can_not_merge_is_no_error_page(project, version, merge, monkeypatch):
    """Before 2.38 merge-tree knows no --write-tree, and ends with its usage."""
    move_on(project)

    def fail(*_words, **_more):
        raise repositories.GitError("merge-tree", Answer(129, b"", b"usage: git merge-tree"))

    monkeypatch.setattr(repositories, "try_join", fail)
    monkeypatch.setattr(repositories, "join", fail)
    said = "git could not merge this. The administrator finds the reason in the log."
    assert services.plan_merge(version.merge_request).obstacle == said
    with pytest.raises(Invalid, match=said):
        merge(version.merge_request)


def test_twice_is_once(project, version, merge):
    merge(version.merge_request)
    notes = Note.objects.count()
    merge(version.merge_request)
    services.finish_merges(project=project)
    assert (Merge.objects.count(), Note.objects.count()) == (1, notes)


def test_what_is_in_the_target_already_only_counts_as_merged(project, version, merge):
    git(repositories.path_of(project), "update-ref", "refs/heads/main", version.head_sha)
    merge(version.merge_request)
    assert main_of(project) == version.head_sha
    assert version.merge_request.state == State.MERGED


def test_two_merges_that_commit_together_build_on_each_other(
    project, clone, version, maintainer, django_capture_on_commit_callbacks
):
    clone.git("checkout", "-q", "-b", "second", "origin/HEAD")
    clone.oil(20)
    second = propose(clone, project, maintainer, branch="second")
    with django_capture_on_commit_callbacks(execute=True):
        for each in (version, second):
            services.merge(item=each.merge_request, actor=maintainer, now=NOW)
    door = git(repositories.path_of(project), "show", "main:door.txt")
    assert "hinge 3, oiled\n" in door
    assert "hinge 20, oiled\n" in door
    assert set(Merge.objects.values_list("branch_move", flat=True)) == {BranchMove.DONE}


def test_a_target_that_moved_meanwhile_is_left_alone_and_can_be_merged_again(
    project, version, maintainer, merge
):
    item = version.merge_request
    services.merge(item=item, actor=maintainer, now=NOW)  # committed, and not yet moved
    other = move_on(project)
    services.finish_merges(project=project)
    item.refresh_from_db()
    assert (main_of(project), item.state) == (other, State.OPENED)
    assert "could not merge this into main" in last_note(item)
    merge(item)
    assert item.state == State.MERGED
    assert (
        git(repositories.path_of(project), "log", "-1", "--format=%P", "main").split()[0] == other
    )


def test_a_branch_that_went_on_after_our_move_counts_as_moved(project, version, maintainer):
    """A crash between the move and its record, and then somebody's push."""
    services.merge(item=version.merge_request, actor=maintainer, now=NOW)
    row = Merge.objects.get()
    assert repositories.move_branch(project, branch="main", old=row.old_sha, new=row.new_sha)
    other = move_on(project)
    services.sweep_repositories(now=NOW + dt.timedelta(hours=1))
    assert main_of(project) == other
    assert MergeRequest.objects.get().state == State.MERGED


def test_the_author_of_a_merge_may_be_gone_when_it_is_finished(project, version, maintainer):
    services.merge(item=version.merge_request, actor=maintainer, now=NOW)
    Merge.objects.update(author=None)
    services.finish_merges(project=project)
    assert MergeRequest.objects.get().state == State.MERGED
