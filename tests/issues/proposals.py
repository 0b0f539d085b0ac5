"""Merge requests as mailed patches make them, by the real git."""

import datetime as dt
from itertools import count

from django.db import transaction

from issues import repositories, services
from issues.models import MergeRequestVersion
from issues.services import PatchSet
from tests.clones import Clone

NOW = dt.datetime(2026, 11, 25, 8, 0, tzinfo=dt.UTC)
_numbers = count(1)


def propose(clone: Clone, project, author, *, branch="fix", revision=1) -> MergeRequestVersion:
    """What the clone has that the project has not, as a version whose branch has moved."""
    patches = PatchSet(tuple(clone.patches()), f"test-{next(_numbers)}", NOW, revision)
    with transaction.atomic():
        version = services.propose_merge_request(
            project=project,
            author=author,
            source_branch=branch,
            target_branch=project.default_branch,
            patches=patches,
        )
    services.finish_moves(project=project)
    version.refresh_from_db()
    return version


def patch_set(mails, source="inbound-1", revision=1):
    return PatchSet(tuple(mails), source, NOW, revision)


def head(project, branch="fix"):
    return repositories.find_head(project, branch)
