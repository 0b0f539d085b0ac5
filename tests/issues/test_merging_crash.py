"""A worker killed with SIGKILL amid a merge: the sweep finishes it, once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("merge_steps.py")
DEADLINE_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture
def run_step(tmp_path):
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'crash.sqlite3'}",
        "ROOT": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }

    def run(step, returncode=0):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), step],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert done.returncode == returncode, done.stderr
        return done.stdout.split()

    run("prepare")
    return run


UNTOUCHED = ["opened", "0", "0", "2"]
MERGED = ["merged", "1", "1", "4"]


@pytest.mark.parametrize(
    ("step", "left", "swept"),
    [
        ("die_before_the_commit", UNTOUCHED, UNTOUCHED),
        ("die_before_the_move", ["opened", "1", "0", "2"], MERGED),
        ("die_before_the_record", ["opened", "1", "0", "4"], MERGED),
        ("die_amid_the_record", ["opened", "1", "0", "4"], MERGED),
    ],
)
def test_killed_amid_a_merge(run_step, step, left, swept):
    run_step(step, returncode=-signal.SIGKILL)
    assert run_step("show") == left
    run_step("sweep")
    run_step("sweep")
    assert run_step("show") == swept
    run_step("merge")
    assert run_step("show") == MERGED
