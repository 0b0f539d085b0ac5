"""Tests that start a server have the marker `services`, by their fixtures or by hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
SAMPLE = """
import pytest
from tests.servers.programs import require_service

@pytest.fixture(scope="session")
def dovecot():
    require_service("sh")

@pytest.fixture
def user(dovecot):
    pass

def test_by_a_fixture(user):
    pass

@pytest.mark.services
def test_by_hand():
    require_service("sh")

def test_of_none():
    pass

def test_without_the_marker():
    require_service("sh")
"""


def run(folder, *words):
    """The names of tests and what became of them."""
    (folder / "test_sample.py").write_text(SAMPLE)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(folder), "-q"]
    plugins = ["-p", "tests.servers.marking", "-p", "no:cacheprovider", "-p", "no:django"]
    done = subprocess.run(
        [*command, *plugins, "-W", "ignore", "-rpf", *words, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=240,
        check=False,
    )
    lines = [line.split() for line in done.stdout.splitlines() if "::test_" in line]
    found = {line[1].partition("::test_")[2]: line[0] for line in lines}
    return found, done.stdout


def test_a_run_may_leave_them_out_and_one_that_is_not_marked_fails(tmp_path):
    left, printed = run(tmp_path, "-m", "not services")
    assert left == {"of_none": "PASSED", "without_the_marker": "FAILED"}
    assert "This starts sh: mark it with pytest.mark.services." in printed
    taken, _printed = run(tmp_path, "-m", "services")
    assert taken == {"by_a_fixture": "PASSED", "by_hand": "PASSED"}
