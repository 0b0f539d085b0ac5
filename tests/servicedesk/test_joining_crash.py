"""A worker killed with SIGKILL amid /add_email: nobody joins halfway, no welcome comes twice."""

import signal
from pathlib import Path

import pytest

from tests import steps

SCRIPT = Path(__file__).with_name("joining_steps.py")
BEFORE = "1 issue|carl@customer.example|desk_thank_you"
AFTER = (
    "1 issue|carl@customer.example|ann@x.example|Ann knows.|added ann@x.example to the ticket"
    "|desk_thank_you|desk_participant"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A database with the mail in it, made once."""
    return steps.prepare(SCRIPT, tmp_path_factory.mktemp("joining"))


@pytest.fixture
def run_step(prepared, tmp_path):
    return steps.on_copy(SCRIPT, prepared, tmp_path)


@pytest.mark.parametrize(
    "step", ["die_before_the_welcome", "die_after_the_welcome", "die_before_the_commit"]
)
def test_killed_before_the_commit(step, run_step):
    run_step(step, returncode=-signal.SIGKILL)
    assert run_step("show") == BEFORE
    assert run_step("process_later", "process_later", "show") == AFTER
