"""A process killed with SIGKILL round a probe leaves one row and sends one mail, or neither."""

import signal
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
        return steps.run_step(
            SCRIPT, *names, database=database, returncode=returncode, SINK_PORT=str(sink.port)
        ).strip()

    run("prepare")
    return run


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("die_before_the_mail_is_written", "0 probes 0 mails"),
        ("die_before_the_commit", "0 probes 0 mails"),
        ("die_after_the_commit", "1 probes 1 mails"),
    ],
)
def test_killed_while_it_is_written(run_step, sink, step, left):
    run_step(step, returncode=-signal.SIGKILL)
    assert run_step("show") == left
    assert run_step("probe", "probe", "deliver", "show") == "1 probes 1 mails"
    assert len(sink.messages) == 1


def test_killed_while_administrators_are_told(run_step):
    run_step("probe")
    run_step("die_while_telling", returncode=-signal.SIGKILL)
    assert run_step("show_alerts") == "0 alerts"
    assert run_step("tell", "tell", "show_alerts") == "1 alerts"
