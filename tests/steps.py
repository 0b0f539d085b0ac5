"""One step of a crash test, in a process of its own that may be killed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEADLINE_SECONDS = 120


def run_step(
    script: Path, *words: str, database: Path, returncode: int = 0, **environment: str
) -> str:
    """What the step prints. Steps of one test share a database."""
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
