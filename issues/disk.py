"""Files that must be there after a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """After a rename in it, which must survive as well (fsync(2): sync the directory too)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
