"""The benchmark of latency still runs, and what it says is possible."""

import json
import subprocess
import sys

import pytest

from tests.journeys.installation import ROOT

pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_the_benchmark_of_latency_runs(dovecot):
    words = ("--messages", "2", "--poll-seconds", "1", "--json")
    done = subprocess.run(
        [sys.executable, "benchmarks/idle_latency.py", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert list(told) == ["notice", "idle", "poll", "smtp"]
    assert told["notice"]["ratio"] == 1
    assert all(0 < way["median"] <= way["slowest"] for way in told.values())
    # Not much sooner than the notice; half of it, since a busy machine may tell the witness late.
    assert told["idle"]["ratio"] > 0.5
