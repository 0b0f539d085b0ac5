"""`manage.py import_repository`: branches, tags and the default branch come along."""

import pytest
from django.core.management import CommandError, call_command

from issues import repositories
from tests.clones import Clone, git, plant
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(tmp_path):
    project = ProjectFactory()
    plant(project)
    clone = Clone(project, tmp_path / "clone")
    clone.git("checkout", "-q", "-b", "trunk")
    clone.oil(3)
    return clone.folder


def test_a_repository_is_taken_over(source, capsys):
    project = ProjectFactory(path="acme/new")
    call_command("import_repository", "acme/new", str(source))
    project.refresh_from_db()
    assert project.default_branch == "trunk"
    assert capsys.readouterr().out == "acme/new: 2 branches, the default is trunk\n"
    assert repositories.find_head(project, "trunk") == git(source, "rev-parse", "HEAD").strip()


def test_twice_is_refused_and_changes_nothing(source):
    project = ProjectFactory(path="acme/new")
    call_command("import_repository", "acme/new", str(source), verbosity=0)
    before = repositories.find_head(project, "trunk")
    with pytest.raises(CommandError, match="has a repository with branches already"):
        call_command("import_repository", "acme/new", str(source))
    assert repositories.find_head(project, "trunk") == before


@pytest.mark.parametrize("source", ["ext::sh -c true", "--upload-pack=x", "https://example.com/x"])
def test_only_what_lies_on_this_machine_is_read(source):
    ProjectFactory(path="acme/new")
    with pytest.raises(CommandError, match="can't be read as a git repository"):
        call_command("import_repository", "--", "acme/new", source)


def test_an_unknown_project(source):
    with pytest.raises(CommandError, match="There is no project “acme/none”"):
        call_command("import_repository", "acme/none", str(source))
