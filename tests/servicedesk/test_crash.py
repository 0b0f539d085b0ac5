"""kill -9 at each step of a ticket: one ticket, one thank-you, one mail a person."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("crash_steps.py")
DEADLINE_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture
def run_step(tmp_path):
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'crash.sqlite3'}",
        "PYTHONPATH": str(ROOT),
    }

    def run(*words, returncode=0):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *words],
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


@pytest.mark.parametrize(
    "where", ["issue", "participants", "thread", "thank-you", "welcome", "record"]
)
def test_killed_while_a_ticket_is_opened(run_step, where):
    run_step("process", where, returncode=-signal.SIGKILL)
    assert run_step("show") == ["0"] * 4
    run_step("process")
    run_step("process")
    # Issue, notes, participants, mails of the thread: theirs, thank-you, welcome.
    assert run_step("show") == ["1", "0", "2", "3", "desk_participant", "desk_thank_you"]


@pytest.mark.parametrize("where", ["note", "thread", "record"])
def test_killed_while_a_reply_is_written_and_sent_on(run_step, where):
    run_step("process")
    run_step("store_reply")
    before = run_step("show")
    run_step("process", where, returncode=-signal.SIGKILL)
    assert run_step("show") == before
    run_step("process")
    run_step("process")
    run_step("fan_out", "rows", returncode=-signal.SIGKILL)
    run_step("fan_out")
    run_step("fan_out")
    after = ["1", "1", "2", "5", "desk_note", "desk_participant", "desk_thank_you"]
    assert run_step("show") == after
