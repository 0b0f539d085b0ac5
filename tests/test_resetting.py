"""What a test leaves in its process is gone in the next, and only resetting.py sees to it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
RESULT = re.compile(r"^tests/leaks\.py::(\S+?)(?:\[(.+)\])? (PASSED|FAILED|ERROR)", re.MULTILINE)
RESET_BY_PYTEST = {"mail", "warnings"}


def run_leaks(*words):
    """The names of tests and their parameters, by result."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [*command, *words, "tests/leaks.py"],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    found = {"PASSED": set(), "FAILED": set(), "ERROR": set()}
    for test, parameters, result in RESULT.findall(done.stdout):
        found[result].add(parameters or test)
    assert found["PASSED"], done.stdout + done.stderr
    return found


def test_the_next_test_finds_nothing_of_the_one_before():
    found = run_leaks()
    assert (found["FAILED"], found["ERROR"]) == (set(), set())
    assert len(found["PASSED"]) > 70


def test_without_the_resetting_it_finds_all():
    found = run_leaks("-p", "no:tests.resetting")
    left = {name.removesuffix("-leaves") for name in found["PASSED"] if name.endswith("-leaves")}
    nothing = {name.removesuffix("-finds nothing") for name in found["FAILED"]}
    assert nothing == left - RESET_BY_PYTEST
    assert found["ERROR"] == set()
