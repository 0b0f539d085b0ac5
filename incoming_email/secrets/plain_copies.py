"""A secret in an editor: a private folder that nobody else can read and that is always removed."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

MEMORY = Path("/dev/shm")  # noqa: S108  (its contents never reach a disk; our folder is private)
PREFIX = "letterbox-secret-"
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_OWNER = re.compile(rf"{PREFIX}(\d+)-")


class EditorError(Exception):
    """The editor failed; the message is the command it was called by."""


def edit(text: str, *, editor: str, fallback: Path) -> str:
    """The text as the person left it in the editor. Raises EditorError.

    The folder lies in memory where the machine has that, else in `fallback`. It takes the editor's
    swap and back-up files as well, and goes with them when a signal ends us.
    """
    directory = find_private_directory(fallback)
    remove_leftovers(directory)
    with _ended_by_signals(), _private_folder(directory) as folder:
        file = folder / "secret.yaml"
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        _run_editor([*shlex.split(editor), str(file)])
        return file.read_text(encoding="utf-8", errors="replace")


def find_private_directory(fallback: Path) -> Path:
    return MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK) else fallback


def remove_leftovers(directory: Path) -> None:
    """Remove what a killed command left there."""
    for folder in directory.glob(f"{PREFIX}*"):
        owner = _OWNER.match(folder.name)
        if owner and folder.stat().st_uid == os.getuid() and not _is_alive(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def _private_folder(directory: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=directory, prefix=f"{PREFIX}{os.getpid()}-"))  # mode 0700
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_editor(words: Sequence[str]) -> None:
    """Ctrl-C belongs to the editor while it runs: a handler, unlike SIG_IGN, is not inherited."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        ended = subprocess.run(words, check=False)  # noqa: S603  (theirs)
    except OSError as error:
        raise EditorError(f"{words[0]}: {error.strerror}") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if ended.returncode:
        raise EditorError(f"{words[0]}: {ended.returncode}")


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turns them into SystemExit, so that what must be removed is removed."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
