"""What we keep is for us alone to read, whatever umask a process was started with."""

import os
import stat
from contextlib import suppress
from pathlib import Path

FOLDERS = ("broker", "media", "outgoing", "repositories", "secrets", "static")
DATABASE = ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "db.sqlite3-journal")
FOR_US = 0o077
FOR_OUR_GROUP = 0o007


def keep_private(data_dir: Path, *, is_ours: bool) -> None:
    """All that this process and its children make has mode 0600 or 0700, and what earlier versions
    made in DATA_DIR loses what is more.

    `is_ours`: DATA_DIR too, since nobody named one. Where its owner lets a group write into it,
    several users share it, and the group keeps its rights. Links, mounts and what belongs to
    another user are left as they are.
    """
    denied = FOR_OUR_GROUP if _is_shared(data_dir) else FOR_US
    os.umask(denied)
    for name in (*FOLDERS, *DATABASE):
        _tighten(data_dir / name, denied)
    if is_ours:
        _tighten(data_dir, denied)


def _is_shared(data_dir: Path) -> bool:
    try:
        return bool(data_dir.stat().st_mode & stat.S_IWGRP)
    except OSError:
        return False


def _tighten(path: Path, denied: int) -> None:
    with suppress(OSError):
        found = path.lstat()
        is_kept = stat.S_ISLNK(found.st_mode) or path.is_mount() or found.st_uid != os.geteuid()
        if found.st_mode & denied and not is_kept:
            path.chmod(stat.S_IMODE(found.st_mode) & ~denied)
