"""A process killed with SIGKILL leaves no verification without an end, and tells of each once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servicedesk.customer_server import ADDRESS, running_customer_server

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("verification_crash.py")
DEADLINE_SECONDS = 120
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
    """Runs one step in a process of its own; all share a database and the mail server."""
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'crash.sqlite3'}",
        "SINK_PORT": str(server.port),
        "MAIL": str(mail),
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
        return [line.strip() for line in done.stdout.splitlines()]

    run("prepare")
    return run


def test_killed_between_the_mail_and_its_record_it_is_awaited(run_step, server, mail):
    run_step("die_between_the_mail_and_its_record", returncode=-signal.SIGKILL)
    assert len(server.messages) == 1
    assert run_step("show") == ["started", STARTED]
    mail.write_bytes(server.forwarded())
    run_step("come_back")
    assert run_step("show") == ["finished", STARTED, VERIFIED]


def test_killed_before_the_mail_it_is_given_up(run_step, server):
    run_step("die_before_the_mail", returncode=-signal.SIGKILL)
    assert server.messages == []
    run_step("give_up")
    run_step("give_up")
    assert run_step("show") == ["failed not_received", STARTED, FAILED]


def test_killed_before_its_end_commits_it_ends_once(run_step, server, mail):
    run_step("start")
    mail.write_bytes(server.forwarded())
    run_step("die_before_the_end_commits", returncode=-signal.SIGKILL)
    assert run_step("show") == ["started", STARTED]
    run_step("process_again")
    run_step("process_again")
    assert run_step("show") == ["finished", STARTED, VERIFIED]
