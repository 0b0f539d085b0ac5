"""How much space is free on the disks that we write to, and whether that is enough to take mail."""

import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence
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
    free_bytes: int | None
    """None where the file system does not say: ramfs, and FUSE programs that have no statfs."""

    free_files: int | None = None
    """None where the file system sets no number."""

    def is_short(self, least: int) -> bool:
        """Whether fewer bytes than `least` are free, or few files can be made."""
        is_full = self.free_bytes is not None and self.free_bytes < least
        return is_full or (self.free_files is not None and self.free_files < FEW_FILES)

    def describe(self, least: int) -> str:
        """With the limit, in the active language, where it is short of `least` bytes."""
        if self.free_files is not None and self.free_files < FEW_FILES:
            return _("the disk of %(folder)s can hold only %(count)d more files") % {
                "folder": self.folder,
                "count": self.free_files,
            }
        if self.free_bytes is None:
            return _("the disk of %(folder)s does not say how much is free") % {
                "folder": self.folder
            }
        known = {"megabytes": self.free_bytes // 1_000_000, "folder": self.folder}
        if self.is_short(least):
            return _(
                "%(megabytes)d MB are free on the disk of %(folder)s, and %(least)d MB are needed"
            ) % {**known, "least": -(-least // 1_000_000)}
        return _("%(megabytes)d MB are free on the disk of %(folder)s") % known


_stuck: dict[Path, threading.Thread] = {}
"""By folder. A thread that hangs is left behind, and no second one is started."""


def find_shortage(needed: int = 0) -> str:
    """Why no mail may be taken in now, in the active language; empty where there is space.

    Looks at the disks that this machine sees, as `needed` bytes would leave them. One that can't be
    looked at is none that is full: whoever writes to it will hear of that. Nor does it hide another
    one that is full.
    """
    found: dict[Path, tuple[int, FreeSpace]] = {}

    def find(folder: Path) -> None:
        with suppress(OSError):
            found[folder] = measure(folder)

    threads: dict[Path, threading.Thread] = {}
    folders = _find_folders()
    for folder in folders:
        if not (folder in _stuck and _stuck[folder].is_alive()):
            thread = threading.Thread(target=find, args=[folder], name="disk", daemon=True)
            threads[folder] = thread
            thread.start()
    ends_at = time.monotonic() + SECONDS
    for folder, thread in threads.items():
        thread.join(max(0.0, ends_at - time.monotonic()))
        if thread.is_alive():
            logger.warning("free space not found out: the disk of %s does not answer", folder)
            _stuck[folder] = thread
    least = settings.CHECK_DISK_MIN_BYTES + needed
    spaces = _one_a_disk(filter(None, map(found.get, folders)))
    return "; ".join([each.describe(least) for each in spaces if each.is_short(least)])


def find_spaces() -> Sequence[FreeSpace]:
    """One a disk, named by the first of our folders on it. Raises OSError. May block."""
    return _one_a_disk(map(measure, _find_folders()))


def _one_a_disk(measured: Iterable[tuple[int, FreeSpace]]) -> Sequence[FreeSpace]:
    spaces: dict[int, FreeSpace] = {}
    for device, space in measured:
        spaces.setdefault(device, space)
    return list(spaces.values())


def _find_folders() -> Sequence[Path]:
    """Those that we write to; of a database and a broker only where they are files."""
    folders = [settings.DATA_DIR, settings.MEDIA_ROOT, settings.REPOSITORIES_ROOT]
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        folders.append(Path(str(database["NAME"])).parent)
    if urlsplit(settings.CELERY_BROKER_URL).scheme == "filesystem":
        folders.append(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"])
    return list(dict.fromkeys(map(Path, folders)))


def measure(folder: Path) -> tuple[int, FreeSpace]:
    """The disk that the folder is on, or will be once it is made, and the free space there."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    found = os.statvfs(there)
    size = found.f_bavail * found.f_frsize if found.f_blocks else None
    files = found.f_favail if found.f_files else None
    return there.stat().st_dev, FreeSpace(folder, size, files)
