"""`make run` in a fresh checkout: all processes start, and what it prints to try works."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from tests.deploy.machine import STOP_SECONDS, Machine, open_folder
from tests.deploy.packages import make_venv
from tests.deploy.recipes import copy_checkout
from tests.deploy.visiting import Visitor
from tests.servers.dovecot import free_ports
from tests.servers.programs import require_program
from tests.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.slow
MAKE = ["make", "--assume-old", ".venv/.runtime", "run"]
"""The virtual environment is there; a test installs nothing from the network."""

START_SECONDS = 240
"""Nine processes start at once on a machine that may do other things."""


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_make_run_takes_the_first_messages_through_and_ends_at_ctrl_c():
    require_program("make")
    with open_folder() as folder:
        checkout = copy_checkout(folder / "letterbox")
        make_venv(checkout / ".venv", python=sys.executable)
        web, listener = free_ports(2)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "WEB_PORT": str(web),
            "SMTP_LISTENER_PORT": str(listener),
        }
        developer = Machine(checkout, environment, None, folder / "log")
        making = developer.start(MAKE, start_new_session=True)
        try:
            follow_the_first_steps(developer, Visitor(web, host="127.0.0.1"))
        finally:
            os.killpg(making.pid, signal.SIGINT)
            making.wait(STOP_SECONDS)
        wait_until(lambda: not listens(web) and not listens(listener), STOP_SECONDS)


def follow_the_first_steps(developer, visitor):
    said = developer.log.read_text
    wait_until(lambda: "First answer" in said(), START_SECONDS)
    commands = re.findall(r"First (?:message|answer).*\n  (python3 .*)\n", said())
    assert len(commands) == 2
    for command in commands:
        subprocess.run(["sh", "-c", command], check=True, timeout=PROCESS_SECONDS)
    (name,) = re.findall(r"  (\w+) \(developer\) .*-issue@", said())
    (password,) = re.findall(r"the password of each is (\S+)", said())
    visitor.log_in(name, password)
    wait_until(lambda: "My first issue" in visitor.ask("/acme/shop/-/issues/")[1])
    wait_until(lambda: "Thank you, Dana!" in visitor.ask("/acme/shop/-/issues/1/")[1])
    assert "Traceback" not in said(), said()
