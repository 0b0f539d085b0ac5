"""A worker killed with SIGKILL loses no mail and writes none twice."""

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests import steps
from tests.issues.smtp_sink import running_sink

SCRIPT = Path(__file__).with_name("crash_steps.py")

pytestmark = pytest.mark.slow


@pytest.fixture
def sink():
    with running_sink() as sink:
        yield sink


@pytest.fixture
def run_step(sink, tmp_path):
    """Runs steps in a process of their own; all share a database and the mail server."""
    database = tmp_path / "crash.sqlite3"

    def run(*names, returncode=0):
        printed = steps.run_step(
            SCRIPT, *names, database=database, returncode=returncode, SINK_PORT=str(sink.port)
        )
        return [line.split() for line in printed.splitlines()]

    run("prepare")
    return run


def test_killed_between_the_insert_of_a_fan_out_and_its_commit(run_step, sink):
    run_step("die_before_the_commit_of_a_fan_out", returncode=-signal.SIGKILL)
    assert run_step("show") == []

    rows = run_step("fan_out", "fan_out", "show")
    assert [row[0] for row in rows] == ["pending"] * 4
    assert len({recipient for _, _, recipient, _ in rows}) == 4
    run_step("deliver")
    assert Counter(message["To"] for message in sink.messages) == {
        recipient: 1 for _, _, recipient, _ in rows
    }


def test_killed_between_the_250_of_the_server_and_our_commit(run_step, sink):
    before = run_step("fan_out", "show")

    run_step("die_between_250_and_our_commit", returncode=-signal.SIGKILL)
    assert len(sink.messages) == 1
    after = run_step("deliver", "deliver_an_hour_later", "deliver_an_hour_later", "show")
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
