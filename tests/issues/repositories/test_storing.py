"""Where repositories lie, what a branch may be called, and what is taken over."""

import pytest

from issues import repositories
from issues.repositories import Refused
from tests.clones import git, plant
from tests.factories import ProjectFactory


def test_a_repository_is_made_once_and_empty(project, repositories_root):
    assert not repositories.has_repository(project)
    first = repositories.ensure_repository(project)
    assert first.directory == repositories_root / f"{project.pk}.git"
    assert repositories.find_branches(project) == []
    assert repositories.find_head(project, "main") == ""
    commit = plant(project)
    assert repositories.ensure_repository(project) == first
    assert repositories.find_head(project, "main") == commit
    assert list((repositories_root / ".work").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["fix", "fix/door-3", "고침", "a.b", "heads/x", "refs", "HEADS", "v1@2"]
)
def test_names_of_branches(name):
    repositories.require_branch_name(name)


REFUSED = (
    " -d --upload-pack=x a..b ../a /a a/ a//b .a a/.b a. a.lock a~1 a^ a:b a? a* a[ a\\b @ HEAD"
)


@pytest.mark.parametrize(
    "name",
    [
        *REFUSED.split(" "),
        *("a b", "@{-1}", "a@{1}", "a\nb", "a\0b", "a\x7f", "a\u202eb", "x" * 201),
    ],
)
def test_names_that_git_refuses(name):
    with pytest.raises(Refused, match="can't be the name of a branch"):
        repositories.require_branch_name(name)


@pytest.mark.parametrize(
    "name", ["refs/heads/main", "refs/tags/v1", "refs/heads/a b", "HEAD", "FETCH_HEAD", "ORIG_HEAD"]
)
def test_names_that_mean_something_else_to_git(name):
    """git makes such branches all the same, and then finds another commit by their names."""
    with pytest.raises(Refused, match=r"it means something else to git\. Write the name alone"):
        repositories.require_branch_name(name)


@pytest.mark.parametrize("name", ["main/x", "main/x/y"])
def test_a_branch_is_no_folder_of_another(project, start, name):
    repositories.require_room_for(project, "maintenance")
    with pytest.raises(Refused, match="since there is a branch “main”"):
        repositories.require_room_for(project, name)


def everything(folder):
    return git(
        folder, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"
    )


@pytest.fixture
def source(clone):
    clone.oil(3)
    clone.git("tag", "v1")
    clone.git("checkout", "-q", "-b", "trunk")
    clone.oil(4)
    return clone.folder


@pytest.fixture
def bundle(source, tmp_path):
    git(
        source, "bundle", "create", "-q", str(tmp_path / "x.bundle"), "--branches", "--tags", "HEAD"
    )
    return tmp_path / "x.bundle"


@pytest.mark.parametrize("kind", ["source", "bundle"])
def test_a_folder_or_bundle_is_taken_over(kind, source, request, repositories_root):
    other = ProjectFactory()
    repositories.ensure_repository(other)
    head = repositories.import_repository(other, request.getfixturevalue(kind))
    assert head == "trunk"
    assert everything(repositories.path_of(other)) == everything(source)
    assert list((repositories_root / ".work").iterdir()) == []


def test_what_is_there_is_never_replaced(project, source):
    before = everything(repositories.path_of(project))
    with pytest.raises(Refused, match="has a repository with branches already"):
        repositories.import_repository(project, source)
    assert everything(repositories.path_of(project)) == before


def test_what_is_no_repository_is_not_taken(db, tmp_path, repositories_root):
    other = ProjectFactory()
    with pytest.raises(Refused, match="can't be read as a git repository or bundle"):
        repositories.import_repository(other, tmp_path / "nothing")
    assert not repositories.has_repository(other)
    assert list((repositories_root / ".work").iterdir()) == []
