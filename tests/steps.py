"""Steps of a crash test, in a process of their own that may be killed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.migrated import find_migrated

ROOT = Path(__file__).resolve().parents[1]
DEADLINE_SECONDS = 300


def run_step(
    script: Path, *words: str, database: Path, returncode: int = 0, **environment: str
) -> str:
    """What the steps print. Those of one test share a database, which the first finds empty.

    Steps that nobody kills may share a process: to start one takes longer than most steps.
    """
    if not database.exists():
        shutil.copyfile(find_migrated(), database)
    shared = {"DATABASE_URL": f"sqlite:///{database}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script), *words],
        env=os.environ | shared | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == returncode, done.stderr
    return done.stdout


def prepare(script: Path, folder: Path) -> Path:
    """A database with what the other steps need in it."""
    database = folder / "crash.sqlite3"
    run_step(script, "prepare", database=database)
    return database


def on_copy(script: Path, prepared: Path, folder: Path) -> Callable[..., str]:
    """Runs steps on a copy of the database, which is made now; gives what they print."""
    database = shutil.copytree(prepared.parent, folder / "copy") / prepared.name

    def run(*names: str, returncode: int = 0) -> str:
        return run_step(script, *names, database=database, returncode=returncode).strip()

    return run
