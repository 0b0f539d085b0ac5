"""A worker that is killed while it applies a patch: run by test_patch_crash as a process.

Usage: patch_crash_steps.py STEP, with a database and a folder of repositories in the environment.
"""

import datetime as dt
import json
import os
import sys
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.models import InboundEmail  # noqa: E402
from incoming_email.pipeline import processing, receiving  # noqa: E402
from issues import repositories, services  # noqa: E402
from issues.models import MergeRequest, MergeRequestVersion, Project  # noqa: E402
from issues.repositories import applying, storing  # noqa: E402
from issues.services import branch_moves, proposing  # noqa: E402
from tests.clones import Clone, plant  # noqa: E402
from tests.dying import die, die_after  # noqa: E402
from tests.incoming_email.patch_mails import attach  # noqa: E402
from tests.incoming_email.world import make_world  # noqa: E402

ROOT = Path(os.environ["CRASH_ROOT"])
settings.REPOSITORIES_ROOT = ROOT / "repositories"
LATER = dt.timedelta(hours=1)


def prepare():
    """A mail with two patches in the ledger, and a repository with one commit."""
    world = make_world()
    plant(world.issue.project)
    clone = Clone(world.issue.project, ROOT / "clone")
    clone.oil(3)
    clone.oil(4)
    message = RawMessage("1", attach(world, clone.patches()))
    receiving.store(world.mailbox, [message], now=timezone.now(), claimed=False)


POINTS = {
    "workplace is made": (applying, "_furnish", die),
    "index is filled": (applying, "_apply", die),
    "patches are applied": (applying, "read_commits", die),
    "commits are found harmless": (applying, "_publish", die),
    "some objects are published": (applying, "sync_folder", die),
    "objects are published": (applying, "_publish", die_after(applying._publish)),
    "the merge request is inserted": (proposing, "_create_version", die),
    "the version is inserted": (repositories, "pin", die),
    "its commit is pinned": (repositories, "pin", die_after(repositories.pin)),
    "the transaction has committed": (proposing, "finish_moves", die),
    "the branch has moved": (repositories, "move", die_after(repositories.move)),
    "the move is recorded": (branch_moves, "_finish", die_after(branch_moves._finish)),
}


def crash(point):
    module, name, replacement = POINTS[point]
    setattr(module, name, replacement)
    processing.process(InboundEmail.objects.get().pk)


def crash_making_the_repository():
    """In a process that finds none: half of one must never be taken for a whole."""
    project = Project.objects.get()
    storing.path_of(project).rename(ROOT / "kept.git")
    storing.put_in_place = die
    repositories.ensure_repository(project)


def recover():
    """What the next worker and the sweeps do, and what there is then, as JSON."""
    now = timezone.now() + LATER
    for _twice in range(2):
        for pk in InboundEmail.objects.values_list("pk", flat=True):
            processing.process(pk, clock=lambda: now)
    settings.CELERY_TASK_TIME_LIMIT = -1000  # whatever lies there is of the dead
    for _twice in range(2):
        services.sweep_repositories(now=now)
    project = Project.objects.get()
    root = Path(settings.REPOSITORIES_ROOT)
    shown = {
        "rows": list(InboundEmail.objects.values_list("status", "outcome")),
        "merge_requests": list(MergeRequest.objects.values_list("iid", "source_branch")),
        "versions": list(MergeRequestVersion.objects.values_list("number", "branch_move")),
        "branches": repositories.find_branches(project),
        "is_head": [
            version.head_sha == repositories.find_head(project, "fix")
            for version in MergeRequestVersion.objects.all()
        ],
        "commits": [
            commit.subject
            for version in MergeRequestVersion.objects.all()
            for commit in repositories.find_commits(
                project, base=version.base_sha, head=version.head_sha
            )
        ],
        "pins": list(repositories.find_pins(project)),
        "workplaces": [path.name for path in (root / ".work").iterdir()],
        "beside": sorted(path.name for path in root.iterdir() if path.name != ".work"),
    }
    sys.stdout.write(json.dumps(shown))


def recover_the_repository():
    project = Project.objects.get()
    assert not repositories.has_repository(project)
    (ROOT / "kept.git").rename(storing.path_of(project))
    recover()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
