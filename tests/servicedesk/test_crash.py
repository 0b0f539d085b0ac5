"""kill -9 at each step of a ticket: one ticket, one thank-you, one mail a person."""

import signal
from pathlib import Path

import pytest

from tests import steps

SCRIPT = Path(__file__).with_name("crash_steps.py")

pytestmark = pytest.mark.slow


@pytest.fixture
def run_step(tmp_path):
    database = tmp_path / "crash.sqlite3"

    def run(*words, returncode=0, **environment):
        printed = steps.run_step(
            SCRIPT, *words, database=database, returncode=returncode, **environment
        )
        return printed.split()

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


@pytest.mark.parametrize("where", ["note", "hold-back", "rows"])
def test_killed_while_mail_is_held_back(run_step, where):
    run_step("process")
    run_step("store_reply")
    run_step("process")
    before = run_step("show")
    run_step("fan_out", where, returncode=-signal.SIGKILL, DESK_MAILS_PER_HOUR="2")
    assert run_step("show") == before
    assert run_step("show_held") == ["0"]
    run_step("fan_out", DESK_MAILS_PER_HOUR="2")
    run_step("fan_out", DESK_MAILS_PER_HOUR="2")
    # The reply and one note on what waits.
    after = ["1", "2", "2", "5", "desk_note", "desk_participant", "desk_thank_you"]
    assert run_step("show") == after
    assert run_step("show_held") == ["1"]
