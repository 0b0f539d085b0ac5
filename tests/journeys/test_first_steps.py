"""What `make run` starts prints commands for a first message and a first answer; both work."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.installation import ROOT, Installation
from tests.servers.dovecot import free_ports
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
COMMAND = re.compile(r"(?m)^  (python3 -c .*)$")


def test_the_printed_commands_open_an_issue_and_answer_a_note(tmp_path):
    web, listener = free_ports(2)
    made = Installation(tmp_path, WEB_PORT=str(web), SMTP_LISTENER_PORT=str(listener))
    made.set_up()
    log = tmp_path / "log"
    path = f"{Path(sys.executable).parent}:{made.environment['PATH']}"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["deploy/run-all"],
            cwd=ROOT,
            env={**made.environment, "PATH": path},
            stdout=output,
            stderr=output,
        ) as started,
    ):
        try:
            wait_until(lambda: len(COMMAND.findall(log.read_text())) == 2)
            for command in COMMAND.findall(log.read_text()):
                subprocess.run(["sh", "-c", command], check=True, timeout=60)
            wait_until(lambda: made.query(DONE) == "issue acme/shop#3, note 2 on issue acme/shop#1")
        finally:
            started.terminate()
            started.wait(60)
    assert f"http://127.0.0.1:{web} " in log.read_text()


DONE = """
SELECT group_concat(outcome, ', ') FROM
(SELECT outcome FROM incoming_email_inboundemail WHERE status = 'processed' ORDER BY outcome)
"""
