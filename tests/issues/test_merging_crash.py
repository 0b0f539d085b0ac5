"""A worker killed with SIGKILL amid a merge: the sweep finishes it, once."""

import signal
from pathlib import Path

import pytest

from tests import steps

SCRIPT = Path(__file__).with_name("merge_steps.py")

pytestmark = pytest.mark.slow


@pytest.fixture
def run_step(tmp_path):
    database = tmp_path / "crash.sqlite3"

    def run(*names, returncode=0):
        printed = steps.run_step(
            SCRIPT, *names, database=database, returncode=returncode, ROOT=str(tmp_path)
        )
        return printed.split()

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
    assert run_step("sweep", "sweep", "show") == swept
    assert run_step("merge", "show") == MERGED
