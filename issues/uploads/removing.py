"""Files whose rows are gone: removed after the commit, and swept up where a crash came between."""

import logging
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from issues.models import Upload
from issues.uploads.storing import path_of, remove_file

logger = logging.getLogger(__name__)
SECRET = re.compile(r"[0-9a-f]{32}")
PROJECT = re.compile(r"[1-9][0-9]*", re.ASCII)
TRASH = ".removed-"
BATCH = 500


def forget_file(*, instance: Upload, **_signal: Any) -> None:
    """A row was deleted, by itself or with what it belongs to: the file goes once that commits.

    Connected to Django's post_delete, since cascades reach rows by ways that no service sees.
    """
    transaction.on_commit(remove_after_commit(path_of(instance), instance.pk))


def remove_after_commit(path: Path, pk: int) -> Callable[[], None]:
    """What is to be done then."""

    def remove() -> None:
        try:
            remove_file(path)
        except OSError as error:  # keeps no other file; the sweep tries again
            logger.warning("file not removed upload=%s error=%s", pk, type(error).__name__)

    return remove


def find_projects(*, after: int = 0) -> list[int]:
    """Numbers of the projects that have files, ascending."""
    root = Path(settings.MEDIA_ROOT) / "uploads"
    names = [each.name for each in root.iterdir() if _is_folder(each)] if root.is_dir() else []
    return sorted(n for n in map(int, filter(PROJECT.fullmatch, names)) if n > after)


def remove_orphans(project: int, *, now: datetime) -> int:
    """Remove the folders of a project's files that have no row; return how many.

    Files are written before their row commits, so only those that are older than
    ORPHAN_FILE_HOURS count.
    """
    before = (now - timedelta(hours=settings.ORPHAN_FILE_HOURS)).timestamp()
    folders = _find_folders(Path(settings.MEDIA_ROOT) / "uploads" / str(project))
    removed = 0
    while batch := list(islice(folders, BATCH)):
        removed += sum(_try_to_remove(folder, before) for folder in _without_row(batch, project))
    if removed:
        logger.info("orphan files removed folders=%s", removed)
    return removed


def _find_folders(project: Path) -> Iterator[Path]:
    """Folders of single files; whatever else lies there is not ours."""
    for folder in project.iterdir():
        if SECRET.fullmatch(_secret_of(folder)) and _is_folder(folder):
            yield folder


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _secret_of(folder: Path) -> str:
    return folder.name.removeprefix(TRASH)


def _without_row(folders: Sequence[Path], project: int) -> list[Path]:
    """A file that was moved to another project has no row here."""
    secrets = {_secret_of(folder) for folder in folders}
    rows = Upload.objects.filter(project=project, secret__in=secrets)
    known = set(rows.values_list("secret", flat=True))
    return [folder for folder in folders if _secret_of(folder) not in known]


def _try_to_remove(folder: Path, before: float) -> bool:
    """What can't be removed, as a folder of another user, keeps no other one; it is tried again."""
    try:
        return _remove_if_old(folder, before)
    except OSError as error:
        logger.warning("orphan file not removed error=%s", type(error).__name__)
        return False


def _remove_if_old(folder: Path, before: float) -> bool:
    """Put it aside and look again: whoever writes into it at this moment gets it back, or fails.

    A failed attempt at a message is made again; a file that its row misses would be lost.
    """
    if folder.stat().st_mtime >= before:
        return False
    aside = folder.with_name(f"{TRASH}{_secret_of(folder)}")
    folder.rename(aside)
    if aside.stat().st_mtime >= before:
        aside.rename(folder)
        return False
    shutil.rmtree(aside)
    return True
