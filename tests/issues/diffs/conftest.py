"""A project with one commit, and a clone of it."""

import pytest

from tests.clones import Clone, plant
from tests.factories import ProjectFactory


@pytest.fixture
def project(db):
    return ProjectFactory()


@pytest.fixture
def start(project):
    return plant(project)


@pytest.fixture
def clone(project, start, tmp_path):
    return Clone(project, tmp_path / "clone")


@pytest.fixture
def push(clone):
    """The clone's newest commit, in the project's repository."""

    def run():
        clone.git("push", "-q", "--force", str(clone.origin), "HEAD:refs/heads/fix")
        return clone.git("rev-parse", "HEAD").strip()

    return run
