"""A project with one commit, a clone of it, and a person who may change it."""

import pytest

from tests.clones import Clone, plant
from tests.factories import MembershipFactory, ProjectFactory


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
def developer(project):
    return MembershipFactory(project=project).user
