"""What processes that died have left on the disk: workplaces, locks, and where pins are."""

import shutil
import time
from pathlib import Path

from django.conf import settings

from issues.models import Project
from issues.repositories.moving import PINS
from issues.repositories.storing import WORKPLACES, path_of


def _is_old(path: Path) -> bool:
    """Older than anything that still runs can be."""
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    return age > float(settings.CELERY_TASK_TIME_LIMIT + settings.GIT_TIMEOUT_SECONDS)


def remove_old_workplaces() -> None:
    folder = Path(settings.REPOSITORIES_ROOT) / WORKPLACES
    for workplace in folder.iterdir() if folder.is_dir() else ():
        if _is_old(workplace):
            shutil.rmtree(workplace, ignore_errors=True)


def remove_stale_locks(project: Project) -> None:
    """git removes its lock files itself, but not when it is killed; then nothing moves any more."""
    directory = path_of(project)
    for lock in (*directory.glob("*.lock"), *directory.glob("refs/**/*.lock")):
        if _is_old(lock):
            lock.unlink(missing_ok=True)


def find_pinned_projects() -> list[int]:
    """Ids of the projects whose repository holds a pin; no git is run for the others."""
    root = Path(settings.REPOSITORIES_ROOT)
    pinned = {
        folder.relative_to(root).parts[0].removesuffix(".git")
        for folder in root.glob(f"*.git/{PINS}")
        if any(folder.iterdir())
    }
    return sorted(int(name) for name in pinned if name.isdecimal())
