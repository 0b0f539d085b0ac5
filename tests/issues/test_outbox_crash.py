"""A worker killed with SIGKILL loses no mail and writes none twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.issues.smtp_sink import running_sink

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("crash_steps.py")
DEADLINE_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture
def sink():
    with running_sink() as sink:
        yield sink


@pytest.fixture
def run_step(sink, tmp_path):
    """Runs one step in a process of its own; all share a database and the mail server."""
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'crash.sqlite3'}",
        "SINK_PORT": str(sink.port),
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
        return [line.split() for line in done.stdout.splitlines()]

    run("prepare")
    return run


def test_killed_between_the_insert_of_a_fan_out_and_its_commit(run_step, sink):
    run_step("die_before_the_commit_of_a_fan_out", returncode=-signal.SIGKILL)
    assert run_step("show") == []

    run_step("fan_out")
    run_step("fan_out")

    rows = run_step("show")
    assert [row[0] for row in rows] == ["pending"] * 4
    assert len({recipient for _, _, recipient, _ in rows}) == 4
    run_step("deliver")
    assert Counter(message["To"] for message in sink.messages) == {
        recipient: 1 for _, _, recipient, _ in rows
    }


def test_killed_between_the_250_of_the_server_and_our_commit(run_step, sink):
    run_step("fan_out")
    before = run_step("show")

    run_step("die_between_250_and_our_commit", returncode=-signal.SIGKILL)
    assert len(sink.messages) == 1
    run_step("deliver")
    run_step("deliver_an_hour_later")
    run_step("deliver_an_hour_later")

    after = run_step("show")
    assert [row[2:] for row in after] == [row[2:] for row in before]
    assert [row[:2] for row in after] == [
        ["sent", "2"],
        ["sent", "1"],
        ["sent", "1"],
        ["sent", "1"],
    ]
    copies = Counter(
        (message["To"], message["Message-ID"].strip("<>")) for message in sink.messages
    )
    first, *others = [tuple(row[2:]) for row in after]
    assert copies == {first: 2} | dict.fromkeys(others, 1)
