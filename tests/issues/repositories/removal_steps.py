"""Somebody deletes a project and is killed at a chosen step: run by test_removing.

Usage: removal_steps.py STEP..., with a database and a folder of repositories in the environment.
"""

import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from issues import repositories  # noqa: E402
from issues.models import Project  # noqa: E402
from issues.repositories import removing  # noqa: E402
from tests.clones import plant  # noqa: E402
from tests.dying import die  # noqa: E402
from tests.factories import ProjectFactory  # noqa: E402

settings.REPOSITORIES_ROOT = Path(os.environ["ROOT"]) / "repositories"


def prepare():
    for path in ("acme/gone", "acme/kept"):
        plant(ProjectFactory(path=path))


def delete():
    with transaction.atomic():
        Project.objects.get(path="acme/gone").delete()


def die_before_the_commit():
    with transaction.atomic():
        Project.objects.get(path="acme/gone").delete()
        die()


def die_after_the_commit():
    removing._remove = die
    delete()


def die_amid_the_removal():
    shutil.rmtree = die
    delete()


def sweep_at_once():
    repositories.remove_orphans(now=timezone.now())


def sweep():
    """Days later."""
    for path in Path(settings.REPOSITORIES_ROOT).glob(".work/*"):
        os.utime(path, (0, 0))
    repositories.remove_orphans(now=timezone.now() + timedelta(days=2))
    repositories.remove_old_workplaces()


def show():
    """Which projects there are, and what lies on the disk."""
    paths = Project.objects.order_by("pk").values_list("path", flat=True)
    root = Path(settings.REPOSITORIES_ROOT)
    found = sorted(path.name for path in root.glob("*.git"))
    left = len(list(root.glob(".work/*")))
    sys.stdout.write(f"{' '.join(paths)} | {' '.join(found)} | {left}")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
