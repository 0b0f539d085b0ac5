"""kill -9 at each step of a merging that moves the ticket first: all of it is done, or nothing."""

import signal
from pathlib import Path

import pytest

from tests import steps

SCRIPT = Path(__file__).with_name("merging_steps.py")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return steps.prepare(SCRIPT, tmp_path_factory.mktemp("merging"))


@pytest.fixture
def run_step(prepared, tmp_path):
    return steps.on_copy(SCRIPT, prepared, tmp_path)


@pytest.mark.parametrize("where", ["mails", "files", "texts", "close", "participants", "waiting"])
def test_killed_before_the_commit(where, run_step):
    before = run_step("show")
    run_step("merge", where, returncode=-signal.SIGKILL)
    assert run_step("show") == before
    run_step("merge")
    issues, people, notes, mails, kinds, file = run_step("show").split("|")
    first, second = (line.split() for line in issues.split(","))
    assert (first[1], second[1]) == ("opened", "closed")
    assert people.split(",")[1] == f"dora@customer.example {first[0]}"
    assert set(notes.split(",")) == {first[0], second[0]}
    assert set(mails.split(",")) == {first[0]}
    assert kinds.split(",").count("desk_note") == 1
    assert file == f"{first[0].partition('#')[0]},plan"
