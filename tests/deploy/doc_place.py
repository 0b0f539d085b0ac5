"""A checkout that stands for the reader's: with the demo's data, and our programs on its path."""

import os
import pty
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.machine import Machine
from tests.deploy.packages import make_venv
from tests.deploy.recipes import copy_checkout
from tests.journeys.installation import Installation
from tests.waiting import PROCESS_SECONDS


@dataclass(frozen=True)
class Place:
    folder: Path
    programs: Path
    """First on the path: what the reader has and this machine may lack, such as an editor."""

    kept: Path
    """The data as each test finds it."""

    def reset(self) -> None:
        for name in ("var", "work"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(self.kept, self.folder / "var")
        (self.folder / "work").mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def add_program(self, name: str, text: str) -> None:
        program = self.programs / name
        program.write_text(text)
        program.chmod(0o755)

    def machine(self, **more: str) -> Machine:
        return Machine(self.folder, self.environment(**more), None, self.folder / "work/log")

    def environment(self, **more: str) -> dict[str, str]:
        """Nothing of the test's own but where programs are."""
        path = f"{self.programs}:{self.folder / '.venv/bin'}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.programs), "LANG": "C.UTF-8", **more}

    def run(self, commands: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-euc", commands],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROCESS_SECONDS,
            check=False,
        )

    def follow(self, commands: str, **more: str) -> str:
        """What they print; each has to succeed."""
        done = self.run(commands, **more)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def ask(self, code: str, **more: str) -> str:
        """What the code prints; all models are there."""
        given = "from incoming_email.models import *; from issues.models import *; "
        words = ["python", "manage.py", "shell", "--no-imports", "-c", given + code]
        return self.follow(shlex.join(words), **more).strip()

    def answer(self, command: str, answers: Sequence[tuple[str, str]]) -> str:
        """At a terminal: what is typed after each of these questions."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["sh", "-euc", command],
            cwd=self.folder,
            env=self.environment(),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        said = ""
        with suppress(OSError):  # what Linux says where the terminal's other end is closed
            for question, typed in answers:
                while question not in said:
                    said += os.read(ours, 1000).decode()
                said = ""
                os.write(ours, f"{typed}\n".encode())
            while chunk := os.read(ours, 1000):
                said += chunk.decode()
        os.close(ours)
        assert process.wait(PROCESS_SECONDS) == 0, said
        return said


def make_place(folder: Path) -> Place:
    checkout = copy_checkout(folder / "letterbox")
    make_venv(checkout / ".venv", python=sys.executable)
    (folder / "programs").mkdir()
    Installation(folder / "kept").set_up()
    return Place(checkout, folder / "programs", folder / "kept")


def link_venv(checkout: Path) -> None:
    """All packages that we run with, those of the tools as well, as `make` has installed them."""
    venv = checkout / ".venv"
    venv.mkdir()
    for name in ("bin", "lib"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", venv)
    mark_installed(venv)


def mark_installed(venv: Path) -> None:
    """For `make`, which then installs nothing from the network."""
    for name in (".runtime", ".tools"):
        (venv / name).touch()
