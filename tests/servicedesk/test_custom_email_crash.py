"""A process killed with SIGKILL leaves no verification without an end, and tells of each once."""

import signal
from pathlib import Path

import pytest

from tests import steps
from tests.servicedesk.customer_server import ADDRESS, running_customer_server

SCRIPT = Path(__file__).with_name("verification_crash.py")
STARTED = f"Verification of {ADDRESS} started"
VERIFIED = f"{ADDRESS} is verified"
FAILED = f"Verification of {ADDRESS} failed"

pytestmark = pytest.mark.slow


@pytest.fixture
def server():
    with running_customer_server() as server:
        yield server


@pytest.fixture
def mail(tmp_path):
    return tmp_path / "mail.eml"


@pytest.fixture
def run_step(server, tmp_path, mail):
    """Runs steps in a process of their own; all share a database and the mail server."""
    database = tmp_path / "crash.sqlite3"

    def run(*names, returncode=0):
        printed = steps.run_step(
            SCRIPT,
            *names,
            database=database,
            returncode=returncode,
            SINK_PORT=str(server.port),
            MAIL=str(mail),
        )
        return [line.strip() for line in printed.splitlines()]

    run("prepare")
    return run


def test_killed_between_the_mail_and_its_record_it_is_awaited(run_step, server, mail):
    run_step("die_between_the_mail_and_its_record", returncode=-signal.SIGKILL)
    assert len(server.messages) == 1
    assert run_step("show") == ["started", STARTED]
    mail.write_bytes(server.forwarded())
    assert run_step("ours_comes_back", "come_back", "show") == ["finished", STARTED, VERIFIED]


def test_killed_before_the_mail_it_is_given_up(run_step, server):
    run_step("die_before_the_mail", returncode=-signal.SIGKILL)
    assert server.messages == []
    assert run_step("give_up", "give_up", "show") == ["failed not_received", STARTED, FAILED]


def test_killed_before_its_end_commits_it_ends_once(run_step, server, mail):
    run_step("start")
    mail.write_bytes(server.forwarded())
    run_step("ours_comes_back")
    run_step("die_before_the_end_commits", returncode=-signal.SIGKILL)
    assert run_step("show") == ["started", STARTED]
    assert run_step("process_again", "process_again", "show") == ["finished", STARTED, VERIFIED]


def test_killed_while_leaders_are_told_of_a_failing_server_they_hear_of_it_once(run_step):
    run_step("fail")
    run_step("die_before_the_alert_commits", returncode=-signal.SIGKILL)
    assert run_step("show") == ["not_started", "Waits"]
    alert = f"The mail server of {ADDRESS} is rejecting mail"
    assert run_step("watch", "watch", "show") == ["not_started", "Waits", alert]
