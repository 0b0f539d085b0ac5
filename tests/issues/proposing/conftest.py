"""Merge requests that somebody proposes by patches."""

import pytest

from issues import services
from tests.issues.proposals import patch_set


@pytest.fixture
def propose(project, start, developer, django_capture_on_commit_callbacks):
    def propose(mails, source="inbound-1", revision=1, **values):
        given = {"source_branch": "fix", "target_branch": "main", "author": developer}
        with django_capture_on_commit_callbacks(execute=True):
            return services.propose_merge_request(
                project=project, patches=patch_set(mails, source, revision), **given | values
            )

    return propose
