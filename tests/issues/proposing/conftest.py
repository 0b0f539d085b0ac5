"""A project with a repository, and somebody who proposes patches from a clone of it."""

import pytest

from issues import services
from tests.clones import Clone, plant
from tests.factories import MembershipFactory, ProjectFactory
from tests.issues.proposals import patch_set


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


@pytest.fixture
def propose(project, start, developer, django_capture_on_commit_callbacks):
    def propose(mails, source="inbound-1", revision=1, **values):
        given = {"source_branch": "fix", "target_branch": "main", "author": developer}
        with django_capture_on_commit_callbacks(execute=True):
            return services.propose_merge_request(
                project=project, patches=patch_set(mails, source, revision), **given | values
            )

    return propose
