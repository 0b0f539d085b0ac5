"""The two commands of README in a fresh checkout: `make run`, whose first messages are taken
through, and `make test`."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.deploy.doc_blocks import take_block
from tests.deploy.doc_place import link_venv, mark_installed
from tests.deploy.machine import STOP_SECONDS, Machine, open_folder
from tests.deploy.packages import make_venv
from tests.deploy.recipes import copy_checkout
from tests.deploy.visiting import Visitor
from tests.servers.dovecot import free_ports
from tests.servers.programs import require_program
from tests.waiting import PROCESS_SECONDS, can_connect, wait_until

pytestmark = pytest.mark.slow
COMMANDS = take_block("README.md", "make run ")
RUN, TEST = COMMANDS.text.splitlines()

START_SECONDS = 240
"""Nine processes start at once on a machine that may do other things."""


def test_make_run_takes_the_first_messages_through_and_ends_at_ctrl_c():
    require_program("make")
    with open_folder() as folder:
        checkout = copy_checkout(folder / "letterbox")
        make_venv(checkout / ".venv", python=sys.executable)
        mark_installed(checkout / ".venv")
        web, listener = free_ports(2)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "WEB_PORT": str(web),
            "SMTP_LISTENER_PORT": str(listener),
        }
        developer = Machine(checkout, environment, None, folder / "log")
        making = developer.start(["sh", "-c", RUN], start_new_session=True)
        try:
            follow_the_first_steps(developer, Visitor(web, host="127.0.0.1"))
        finally:
            os.killpg(making.pid, signal.SIGINT)
            making.wait(STOP_SECONDS)
        wait_until(lambda: not can_connect(web) and not can_connect(listener), STOP_SECONDS)


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


def test_make_test_runs_tests():
    """`ARGS` of the environment has it take a few; they are the same command's."""
    require_program("make")
    with open_folder() as folder:
        checkout = copy_checkout(folder / "letterbox")
        link_venv(checkout)
        few = {"ARGS": "tests/config/test_queues.py", "WORKERS": "0"}
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **few}
        said = Machine(checkout, environment, None, folder / "log").say(["sh", "-ec", TEST])
        assert " passed" in said
