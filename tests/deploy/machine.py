"""A place where commands of deploy/ are run as they stand: folder, environment and user."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.deploy.packages import as_user
from tests.waiting import PROCESS_SECONDS

STOP_SECONDS = 40


@contextmanager
def open_folder() -> Iterator[Path]:
    """Of short path, and one that every user may enter; pytest's own lies behind root's."""
    folder = Path(tempfile.mkdtemp(prefix="lbrun", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        _make_writable(folder, is_writable=True)
        shutil.rmtree(folder)


def _make_writable(folder: Path, *, is_writable: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755 if is_writable else 0o555)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing can be made in it, and nothing was: root is let in everywhere, so it is looked."""
    before = _list(folder)
    _make_writable(folder, is_writable=False)
    yield
    assert _list(folder) == before


def _list(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Machine:
    root: Path
    """Where the code lies."""

    environment: Mapping[str, str]
    """All of it: nothing of the test's own is passed on."""

    user: int | None
    log: Path
    umask: int = 0o022

    def within(self, environment: Mapping[str, str]) -> "Machine":
        return replace(self, environment=environment)

    def built_by_root(self) -> "Machine":
        return replace(self, user=None)

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            **self._place(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PROCESS_SECONDS,
        )

    def say(self, command: Sequence[str]) -> str:
        """What it prints; it has to succeed."""
        done = self.run(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, command: Sequence[str], **how: Any) -> "subprocess.Popen[bytes]":
        """What it says is added to the log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(command, **self._place(), stdout=log, stderr=log, **how)

    def _place(self) -> dict[str, Any]:
        place = {"cwd": self.root, "env": dict(self.environment), "umask": self.umask}
        return place | as_user(self.user)


@contextmanager
def running(commands: Iterable[tuple[Machine, Sequence[str]]]) -> Iterator[None]:
    """Until the block ends; none may end before."""
    processes = []
    try:
        for machine, command in commands:
            processes.append(machine.start(command))
        yield
        assert [process.poll() for process in processes] == [None] * len(processes)
    finally:
        _end(processes)


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
