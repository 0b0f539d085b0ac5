"""A worker killed amid "failed before this version": each message acts once, and none is lost."""

import signal
from pathlib import Path

import pytest

from tests import steps

SCRIPT = Path(__file__).with_name("retry_steps.py")
FAILED = " ".join(["failed"] * 4)
DONE = "processed processed processed processed 4 notes"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A database with what failed in it, made once."""
    return steps.prepare(SCRIPT, tmp_path_factory.mktemp("retry"))


@pytest.fixture
def run_step(prepared, tmp_path):
    return steps.on_copy(SCRIPT, prepared, tmp_path)


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("die_between_two_batches", "processed processed failed failed 2 notes"),
        ("die_before_the_first_is_processed", "pending pending pending pending 0 notes"),
        ("die_amid_the_second", "processed pending pending pending 1 notes"),
    ],
)
def test_what_a_kill_leaves_is_done_once(run_step, step, left):
    assert run_step("show") == f"{FAILED} 0 notes"
    run_step(step, returncode=-signal.SIGKILL)
    assert run_step("show") == left
    assert run_step("go_on", "show") == DONE
