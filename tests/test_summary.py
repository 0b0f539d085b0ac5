"""A run says the seed of its order, and one line for each program that it missed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.programs import PACKAGES, parse_reason
from tests.summary import tell_skipped

ROOT = Path(__file__).resolve().parent.parent
DOVECOT = "dovecot: 3 tests; apt-get install dovecot-imapd dovecot-lmtpd"
SAMPLE = """
import pytest
from tests.servers.programs import require_program

@pytest.fixture
def dovecot():
    require_program("dovecot")

@pytest.mark.parametrize("number", range(3))
def test_mail(dovecot, number):
    pass

@pytest.mark.skipif(True, reason="of another system")
def test_elsewhere():
    pass

def test_here():
    pass
"""


def run(folder, *words, **environment):
    """What pytest says of the sample, in a process that finds no program."""
    (folder / "test_sample.py").write_text(SAMPLE)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(folder), "-q"]
    kept = {k: v for k, v in os.environ.items() if k in {"HOME", "LANG"}}
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "tests.summary", *words, str(folder)],
        cwd=ROOT,
        env={**kept, "PATH": str(folder), **environment},
        stdout=subprocess.PIPE,
        text=True,
        timeout=240,
        check=False,
    ).stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_was_skipped_is_one_line_for_each_reason(tmp_path, workers):
    said = run(tmp_path, "-n", workers)
    assert [line for line in said if "test" in line and ":" in line and "SEED" not in line] == [
        DOVECOT,
        "of another system: 1 test",
    ]
    assert said[-1].startswith("1 passed, 4 skipped in ")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_seed_is_said_first_and_last(tmp_path, workers):
    said = run(tmp_path, "-n", workers, "-p", "randomly", "--randomly-seed=4711")
    line = "Random order; the same again: make test SEED=4711"
    assert said[0] == said[-2] == line


@pytest.mark.slow
def test_no_seed_is_said_of_an_order_that_is_not_random(tmp_path):
    for words in (["-p", "no:randomly"], ["--randomly-dont-reorganize"]):
        assert "SEED" not in "\n".join(run(tmp_path, *words))


@pytest.mark.slow
def test_a_missing_program_is_a_failure_where_it_is_required(tmp_path):
    said = run(tmp_path, REQUIRE_SERVICES="1")
    assert said[-1].startswith("1 passed, 1 skipped, 3 errors in ")
    assert DOVECOT not in said


def test_most_come_first_and_a_reason_may_hold_anything():
    reasons = ["x: y", *["chromium is missing: apt-get install chromium"] * 2, "x is missing"]
    assert tell_skipped(reasons) == [
        "chromium: 2 tests; apt-get install chromium",
        "x: y: 1 test",
        "x is missing: 1 test",
    ]
    assert parse_reason("a is missing: b\nc") == ("a", "b\nc")


def test_without_services_none_is_found():
    """By the script that runs a command with the least that the tests need."""
    names = [*PACKAGES, "pg_ctlcluster", "postfix", "redis-server", "rabbitmq-server", "chromium"]
    code = f"import shutil; print(*map(shutil.which, {[*names, 'git']}))"
    done = subprocess.run(
        [ROOT / ".ci/without-services", sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    *services, git = done.stdout.split()
    assert set(services) == {"None"}
    assert git != "None"
