"""How much space is free on the disks that we write to, and whether that is enough to take mail."""

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)
SECONDS = 5.0
"""After which a disk counts as one that can't be looked at: an unreachable network drive never
answers."""

FEW_FILES = 1_000
"""A disk that can hold no more than this many further files counts as full."""


@dataclass(frozen=True, slots=True)
class FreeSpace:
    folder: Path
    free_bytes: int
    free_files: int | None = None
    """None where the file system sets no number."""

    def is_short(self, least: int) -> bool:
        """Whether fewer bytes than `least` are free, or few files can be made."""
        return self.free_bytes < least or self._has_few_files()

    def _has_few_files(self) -> bool:
        return self.free_files is not None and self.free_files < FEW_FILES

    def describe(self, least: int) -> str:
        """With the limit, in the active language, where it is short of `least` bytes."""
        if self._has_few_files():
            return _("the disk of %(folder)s can hold only %(count)d more files") % {
                "folder": self.folder,
                "count": self.free_files,
            }
        known = {"megabytes": self.free_bytes // 1_000_000, "folder": self.folder}
        if self.is_short(least):
            return _(
                "%(megabytes)d MB are free on the disk of %(folder)s, and %(least)d MB are needed"
            ) % {**known, "least": -(-least // 1_000_000)}
        return _("%(megabytes)d MB are free on the disk of %(folder)s") % known


def find_shortage(needed: int = 0) -> str:
    """Why no mail may be taken in now, in the active language; empty where there is space.

    Looks at the disks that this machine sees, as `needed` bytes would leave them. One that can't be
    looked at is none that is full: whoever writes to it will hear of that.
    """
    least = settings.CHECK_DISK_MIN_BYTES + needed
    return "; ".join(each.describe(least) for each in _find_in_time() if each.is_short(least))


_stuck: list[threading.Thread] = []
"""A thread that hangs is left behind, and no second one is started."""


def _find_in_time() -> Sequence[FreeSpace]:
    """Nothing where a disk can't be looked at."""
    if any(thread.is_alive() for thread in _stuck):
        return ()
    found: list[FreeSpace] = []

    def find() -> None:
        with suppress(OSError):
            found.extend(find_spaces())

    thread = threading.Thread(target=find, name="disk", daemon=True)
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        logger.warning("free space not found out: a disk does not answer")
        _stuck[:] = [thread]
        return ()
    return found


def find_spaces() -> Sequence[FreeSpace]:
    """One a disk, named by the first of our folders on it. Raises OSError. May block."""
    spaces: dict[int, FreeSpace] = {}
    for folder in _find_folders():
        device, space = measure(folder)
        spaces.setdefault(device, space)
    return list(spaces.values())


def _find_folders() -> Iterator[Path]:
    yield Path(settings.DATA_DIR)
    yield Path(settings.MEDIA_ROOT)
    yield Path(settings.REPOSITORIES_ROOT)
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        yield Path(str(database["NAME"])).parent
    if urlsplit(settings.CELERY_BROKER_URL).scheme == "filesystem":
        yield Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"])


def measure(folder: Path) -> tuple[int, FreeSpace]:
    """The disk that the folder is on, or will be once it is made, and the free space there."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    found = os.statvfs(there)
    files = found.f_favail if found.f_files else None
    return there.stat().st_dev, FreeSpace(folder, found.f_bavail * found.f_frsize, files)
