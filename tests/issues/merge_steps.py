"""A worker that merges and is killed at a chosen instruction: run by test_merging_crash.

Usage: merge_steps.py STEP..., with a database and a folder of repositories in the environment.
"""

import datetime as dt
import os
import sys
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from issues import repositories, services  # noqa: E402
from issues.models import Merge, MergeRequest, Note, Role, User  # noqa: E402
from issues.services import merging  # noqa: E402
from tests.clones import Clone, git, plant  # noqa: E402
from tests.dying import die, die_after  # noqa: E402
from tests.factories import MembershipFactory  # noqa: E402
from tests.issues.proposals import propose  # noqa: E402

settings.REPOSITORIES_ROOT = Path(os.environ["ROOT"]) / "repositories"


def prepare():
    """A merge request that needs a merge commit."""
    member = MembershipFactory(role=Role.MAINTAINER, user__username="max")
    plant(member.project)
    clone = Clone(member.project, Path(os.environ["ROOT"]) / "clone")
    clone.oil(3)
    propose(clone, member.project, member.user)
    plant(member.project, {"other.txt": b"other\n"})


def merge():
    services.merge(
        item=MergeRequest.objects.select_related("project").get(),
        actor=User.objects.get(username="max"),
        now=timezone.now(),
    )


def die_before_the_commit():
    Merge.objects.create = die_after(Merge.objects.create)
    merge()


def die_before_the_move():
    repositories.move_branch = die
    merge()


def die_before_the_record():
    repositories.move_branch = die_after(repositories.move_branch)
    merge()


def die_amid_the_record():
    merging.announce_change = die_after(merging.announce_change)
    merge()


def sweep():
    services.sweep_repositories(now=timezone.now() + dt.timedelta(hours=1))


def show():
    """State, merges, notes that say so, and commits of the target branch."""
    item = MergeRequest.objects.select_related("project").get()
    words = (
        item.state,
        Merge.objects.count(),
        Note.objects.filter(body__startswith="merged this").count(),
        git(repositories.path_of(item.project), "rev-list", "--count", "main").strip(),
    )
    sys.stdout.write(" ".join(map(str, words)) + "\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
