"""Whether there is free space where we write: data, files, repositories, a broker of files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.monitoring.health.examinations import Examination, Probe

STEP = "disk space"
FEW_FILES = 1_000
"""A disk that can hold no more than this many further files counts as full."""


@dataclass(frozen=True, slots=True)
class FreeSpace:
    folder: Path
    free_bytes: int
    free_files: int | None = None
    """None where the file system sets no number."""


def examine_disk(*, timeout: float) -> Examination:
    """In a thread: a network drive that is unreachable never answers."""
    return Examination(probe=Probe((STEP,), find_disk_space, timeout))


def find_disk_space() -> Iterator[Finding]:
    try:
        spaces = _find_spaces(_find_folders())
    except OSError as error:
        remedy = _("Check DATA_DIR, MEDIA_ROOT and REPOSITORIES_ROOT.")
        yield Finding(STEP, Answer.NO, str(error), remedy)
        return
    full = [space for space in spaces if _is_short(space, settings.CHECK_DISK_MIN_BYTES)]
    short = [space for space in spaces if _is_short(space, settings.CHECK_DISK_WARN_BYTES)]
    answer = Answer.NO if full else Answer.WARN if short else Answer.YES
    remedy = _("Free space there, or let retention end sooner (KEEP_RAW_DAYS and the others).")
    detail = "; ".join(_describe(space) for space in full or short or spaces)
    yield Finding(STEP, answer, detail, "" if answer is Answer.YES else remedy)


def _find_folders() -> Iterator[Path]:
    yield Path(settings.DATA_DIR)
    yield Path(settings.MEDIA_ROOT)
    yield Path(settings.REPOSITORIES_ROOT)
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        yield Path(str(database["NAME"])).parent
    if urlsplit(settings.CELERY_BROKER_URL).scheme == "filesystem":
        yield Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"])


def _find_spaces(folders: Iterator[Path]) -> Sequence[FreeSpace]:
    """One a disk, named by the first of our folders on it."""
    spaces: dict[int, FreeSpace] = {}
    for folder in folders:
        device, space = measure(folder)
        spaces.setdefault(device, space)
    return list(spaces.values())


def measure(folder: Path) -> tuple[int, FreeSpace]:
    """The disk that the folder is on, or will be once it is made, and the free space there."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    found = os.statvfs(there)
    files = found.f_favail if found.f_files else None
    return there.stat().st_dev, FreeSpace(folder, found.f_bavail * found.f_frsize, files)


def _is_short(space: FreeSpace, least: int) -> bool:
    out_of_files = space.free_files is not None and space.free_files < FEW_FILES
    return space.free_bytes < least or out_of_files


def _describe(space: FreeSpace) -> str:
    if space.free_files is not None and space.free_files < FEW_FILES:
        return _("the disk of %(folder)s can hold only %(count)d more files") % {
            "folder": space.folder,
            "count": space.free_files,
        }
    return _("%(megabytes)d MB are free on the disk of %(folder)s") % {
        "megabytes": space.free_bytes // 1_000_000,
        "folder": space.folder,
    }
