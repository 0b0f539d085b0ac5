"""Commits that are pushed to a project's repository."""

import pytest


@pytest.fixture
def push(clone):
    """The clone's newest commit, in the project's repository."""

    def run():
        clone.git("push", "-q", "--force", str(clone.origin), "HEAD:refs/heads/fix")
        return clone.git("rev-parse", "HEAD").strip()

    return run
