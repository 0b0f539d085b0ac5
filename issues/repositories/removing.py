"""Repositories whose project is gone: removed after the commit, swept up where a crash came."""

import logging
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from issues.models import Project
from issues.repositories.storing import new_workplace, path_of
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)


def forget_repository(*, instance: Project, **_signal: Any) -> None:
    """A project was deleted: its repository goes once that commits.

    Connected to Django's post_delete, since the admin deletes without asking a service.
    """
    transaction.on_commit(partial(_try_to_remove, path_of(instance), instance.pk))


def _try_to_remove(path: Path, pk: int) -> bool:
    """A fault undoes nothing and keeps no other repository; the sweep tries again."""
    try:
        _remove(path)
    except OSError as error:
        logger.warning("repository not removed project=%s error=%s", pk, type(error).__name__)
        return False
    return True


def _remove(path: Path) -> None:
    """Moved away in one step, so that nobody sees a half of it; what a crash leaves in the
    workplace goes as every old workplace does."""
    if not path.exists():
        return
    workplace = new_workplace()
    try:
        path.rename(workplace / path.name)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def remove_orphans(*, now: datetime, budget: Budget = UNLIMITED) -> int:
    """Remove repositories without a project, until the budget is over; return how many.

    Only those that nobody has touched for ORPHAN_FILE_HOURS, and whose number is lower than that
    of a project that there is: a higher one may come from before an older database was put back.
    """
    newest = Project.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    before = (now - timedelta(hours=settings.ORPHAN_FILE_HOURS)).timestamp()
    found = {pk: path for pk, path in _find_repositories() if pk < newest}
    known = set(Project.objects.filter(pk__lte=newest).values_list("pk", flat=True))
    old = [pk for pk in sorted(found.keys() - known) if found[pk].stat().st_mtime < before]
    removed = 0
    for pk in takewhile(lambda _: not budget.is_over(), old):
        if _try_to_remove(found[pk], pk):
            removed += 1
            logger.info("orphan repository removed project=%s", pk)
    return removed


def _find_repositories() -> Iterator[tuple[int, Path]]:
    """Whatever else lies there is not ours."""
    for path in Path(settings.REPOSITORIES_ROOT).glob("*.git"):
        name = path.name.removesuffix(".git")
        if name.isdecimal() and path.is_dir() and not path.is_symlink():
            yield int(name), path
