"""A worker killed with SIGKILL amid quick actions leaves nothing half done and does none twice."""

import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("quick_action_steps.py")
DEADLINE_SECONDS = 120
NOTHING = "pending|opened|-|0 announcements"
ALL = (
    r"processed\|closed\|due\|Fixed\. /colse\|closed this"
    r"\|changed the due date to \d{4}-\d\d-\d\d\|2 announcements\|quick_actions"
)

pytestmark = pytest.mark.slow


def run_in(database, step, returncode=0):
    """One step in a process of its own; what it prints."""
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{database}", "PYTHONPATH": str(ROOT)}
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
    return done.stdout.strip()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A database with the mail in it, made once."""
    database = tmp_path_factory.mktemp("quick_actions") / "crash.sqlite3"
    run_in(database, "prepare")
    return database


@pytest.fixture
def run_step(prepared, tmp_path):
    database = shutil.copytree(prepared.parent, tmp_path / "copy") / prepared.name
    return partial(run_in, database)


@pytest.mark.parametrize(
    "step", ["die_between_two_commands", "die_after_the_answer", "die_before_the_commit"]
)
def test_killed_before_the_commit(step, run_step):
    run_step(step, returncode=-signal.SIGKILL)
    assert run_step("show") == NOTHING

    run_step("process_later")
    run_step("process_later")

    assert re.fullmatch(ALL, run_step("show"))
