"""Patches make merge requests and versions."""

import pytest

from issues import repositories, services
from issues.models import Announcement, BranchMove, MergeRequest, MergeRequestVersion, Note, Role
from issues.repositories import Refused
from tests.clones import git, log_of
from tests.factories import MembershipFactory
from tests.issues.proposals import head, patch_set


def test_a_new_branch_and_a_merge_request(project, clone, start, propose, developer):
    clone.oil(3)
    version = propose(clone.patches())
    version.refresh_from_db()
    merge_request = version.merge_request
    assert (merge_request.title, merge_request.author) == ("Oil the hinge 3", developer)
    assert (version.number, version.patch_count, version.base_sha) == (1, 1, start)
    assert (version.old_sha, version.branch_move) == ("", BranchMove.DONE)
    assert head(project) == version.head_sha
    assert log_of(repositories.path_of(project), start, "fix") == log_of(
        clone.folder, start, "HEAD"
    )
    assert repositories.find_pins(project) == {}
    assert Announcement.objects.count() == 1


def test_many_patches_are_named_after_the_branch(clone, propose):
    clone.oil(3)
    clone.oil(4)
    version = propose(clone.patches(), source_branch="fix/door-hinges_all")
    assert version.merge_request.title == "Fix: door hinges all"
    assert version.patch_count == 2


def test_patches_go_on_top_of_a_branch_that_is_there(project, clone, start, propose):
    clone.oil(3)
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/fix")
    before = head(project)
    clone.oil(4)
    version = propose(clone.patches(since="HEAD~1"))
    assert (version.base_sha, version.old_sha) == (start, before)
    assert len(repositories.find_commits(project, base=start, head=head(project))) == 2


def test_a_branch_without_patches(project, clone, start, propose):
    clone.oil(3)
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/fix")
    version = propose([])
    assert (version.base_sha, version.head_sha) == (start, head(project))
    assert version.merge_request.title == "Oil the hinge 3"


def test_more_patches_for_the_same_branches_make_a_version(project, clone, propose):
    clone.oil(3)
    first = propose(clone.patches())
    clone.oil(4)
    second = propose(clone.patches(since="HEAD~1"), "inbound-2", title="Ignored")
    assert second.merge_request == first.merge_request
    assert (second.number, second.old_sha) == (2, first.head_sha)
    assert head(project) == second.head_sha
    assert Note.objects.get(system=True).body == "sent version 2 with 1 patch"


def test_a_new_revision_takes_the_place_of_the_patches(project, clone, start, propose):
    clone.oil(3)
    first = propose(clone.patches())
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.oil(4)
    clone.oil(5)
    second = propose(clone.patches(), "inbound-2", revision=2)
    assert (second.number, second.revision, second.patch_count) == (2, 2, 2)
    subjects = [c.subject for c in repositories.find_commits(project, base=start, head="fix")]
    assert subjects == ["Oil the hinge 4", "Oil the hinge 5"]
    assert repositories.find_commits(project, base=start, head=first.head_sha) != []
    kept = git(repositories.path_of(project), "rev-parse", f"refs/letterbox/versions/{first.pk}")
    assert kept.strip() == first.head_sha


def test_a_new_revision_that_fits_only_the_old_base(project, clone, start, propose):
    clone.oil(3)
    first = propose(clone.patches())
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.commit("Rust", door_txt=b"rust\n")
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/main")
    clone.git("reset", "-q", "--hard", start)
    clone.oil(4)
    second = propose(clone.patches(since=start), "inbound-2", revision=2)
    assert second.base_sha == first.base_sha == start


def test_an_older_revision_changes_nothing(project, clone, propose):
    clone.oil(3)
    propose(clone.patches())
    third = propose(clone.patches(), "inbound-2", revision=3)
    with pytest.raises(Refused, match="Version 2 came after version 3"):
        propose(clone.patches(), "inbound-3", revision=2)
    assert head(project) == third.head_sha


def test_the_same_cause_acts_once(clone, propose):
    clone.oil(3)
    first = propose(clone.patches())
    assert propose(clone.patches()) == first
    assert MergeRequestVersion.objects.count() == 1


def assert_nothing_happened(project, branches=("main",)):
    assert MergeRequest.objects.count() == 0
    assert repositories.find_branches(project) == list(branches)
    assert repositories.find_pins(project) == {}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"source_branch": "main"}, "Source and target branch are both “main”"),
        ({"source_branch": "a b"}, "“a b” can't be the name of a branch"),
        ({"source_branch": ""}, "“” can't be the name of a branch"),
        ({"target_branch": "..", "source_branch": "x"}, "“..” can't be the name"),
        ({"target_branch": "trunk"}, "There is no branch “trunk” to merge into"),
        ({"source_branch": "main/x"}, "since there is a branch “main”"),
        ({"source_branch": "release-2"}, "The branch “release-2” is protected"),
    ],
)
def test_branches_that_are_refused(project, clone, propose, values, said):
    project.protected_branches = "release-*"
    clone.oil(3)
    with pytest.raises(Refused) as refusal:
        propose(clone.patches(), **values)
    assert said in refusal.value.sentence
    assert_nothing_happened(project)


def test_a_maintainer_may_use_a_protected_branch(project, clone, propose):
    project.protected_branches = "release-*"
    maintainer = MembershipFactory(project=project, role=Role.MAINTAINER).user
    clone.oil(3)
    propose(clone.patches(), source_branch="release-2", author=maintainer)
    assert head(project, "release-2")


def test_a_reporter_may_not(project, clone, propose):
    reporter = MembershipFactory(project=project, role=Role.REPORTER).user
    clone.oil(3)
    with pytest.raises(services.NotAllowed):
        propose(clone.patches(), author=reporter)
    assert_nothing_happened(project)


def test_no_patch_and_no_branch(project, propose):
    with pytest.raises(Refused, match="and no patch came with the mail"):
        propose([])
    assert_nothing_happened(project)


def test_nothing_new(project, clone, propose):
    clone.oil(3)
    patches = clone.patches()
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/main", "HEAD:refs/heads/same")
    with pytest.raises(Refused, match="is there already"):
        propose(patches)
    with pytest.raises(Refused, match="has no commit of its own"):
        propose([], source_branch="same")
    assert_nothing_happened(project, ["main", "same"])


def test_a_closed_one_takes_no_patches(clone, propose, developer):
    clone.oil(3)
    merge_request = propose(clone.patches()).merge_request
    services.close_item(item=merge_request, actor=developer)
    clone.oil(4)
    with pytest.raises(Refused, match="is not open"):
        services.add_version(
            merge_request=merge_request,
            author=developer,
            patches=patch_set(clone.patches(since="HEAD~1"), "inbound-2"),
        )


def test_a_conflict_leaves_nothing(project, clone, propose):
    clone.oil(3)
    patches = clone.patches()
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.commit("Rust", door_txt=b"rust\n")
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/main")
    with pytest.raises(Refused, match="does not apply"):
        propose(patches)
    assert_nothing_happened(project)
