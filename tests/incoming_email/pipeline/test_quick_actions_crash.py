"""A worker killed with SIGKILL amid quick actions leaves nothing half done and does none twice."""

import re
import signal
from pathlib import Path

import pytest

from tests import steps

SCRIPT = Path(__file__).with_name("quick_action_steps.py")
NOTHING = "pending|opened|-|0 announcements"
ALL = (
    r"processed\|closed\|due\|Fixed\. /colse\|closed this"
    r"\|changed the due date to \d{4}-\d\d-\d\d\|2 announcements\|quick_actions"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A database with the mail in it, made once."""
    return steps.prepare(SCRIPT, tmp_path_factory.mktemp("quick_actions"))


@pytest.fixture
def run_step(prepared, tmp_path):
    return steps.on_copy(SCRIPT, prepared, tmp_path)


@pytest.mark.parametrize(
    "step", ["die_between_two_commands", "die_after_the_answer", "die_before_the_commit"]
)
def test_killed_before_the_commit(step, run_step):
    run_step(step, returncode=-signal.SIGKILL)
    assert run_step("show") == NOTHING
    assert re.fullmatch(ALL, run_step("process_later", "process_later", "show"))
