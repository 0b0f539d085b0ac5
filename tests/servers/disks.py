"""A small file system of our own, which can be filled up without harm to others."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.programs import give_up, require_program

BLOCK = 65_536


@contextmanager
def small_disk(folder: Path, size: str, *, kind: str = "tmpfs") -> Iterator[Path]:
    """Mounted at the folder, which is made; `size` as tmpfs takes it, and ramfs ignores it."""
    require_program("mount", "umount")
    folder.mkdir(parents=True)
    words = ["mount", "-t", kind, "-o", f"size={size}", kind, str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        give_up("mount", "run the tests as root, where a file system may be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path, *, leave: int = 0, name: str = "filler") -> Iterator[None]:
    """But for so many bytes; with 0 not one byte is left."""
    filler = disk / name
    with filler.open("wb") as file, suppress(OSError):
        while not leave or find_free(disk) > leave:
            file.write(bytes(BLOCK))
            file.flush()
    try:
        yield
    finally:
        filler.unlink()


def find_free(disk: Path) -> int:
    """Bytes."""
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize
