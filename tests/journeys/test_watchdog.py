"""A process whose main loop is stuck ends by itself, and what ends is started again."""

import os
import signal
import subprocess
import time

import pytest

from tests.journeys.installation import ROOT, STOP_SECONDS, Installation
from tests.servers.dovecot import free_ports
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
KEEP_RUNNING = str(ROOT / "deploy" / "keep-running")


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    (port,) = free_ports(1)
    settings = {"WATCHDOG_SECONDS": "15", "SMTP_LISTENER_PORT": str(port)}
    made = Installation(tmp_path_factory.mktemp("data") / "data", **settings)
    made.set_up()
    return made


@pytest.mark.parametrize("process", ["watcher", "listener", "beat", "worker"])
def test_a_process_whose_main_loop_is_stuck_ends(installation, tmp_path, process):
    log = tmp_path / "log"
    with installation.running("-m", "tests.journeys.stuck", process, log=log) as stuck:
        wait_until(lambda: stuck.poll() is not None, or_show=log.read_text)
    assert stuck.returncode == 1
    said = log.read_text()
    assert "Timeout (0:00:15)!" in said
    assert "in meet_a_lock" in said


def count_starts(file):
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_what_ends_is_started_again_until_it_is_told_to_stop(tmp_path):
    """As deploy/run-all keeps its processes."""
    starts = tmp_path / "starts"
    program = 'echo $$ >> "$0"; exec sleep 600'
    keeper = subprocess.Popen([KEEP_RUNNING, "sh", "-c", program, str(starts)])
    try:
        wait_until(lambda: count_starts(starts) == 1)
        time.sleep(10)  # an end before that is taken for a fault of the settings
        os.kill(int(starts.read_text()), signal.SIGKILL)
        wait_until(lambda: count_starts(starts) == 2)
    finally:
        keeper.terminate()
        keeper.wait(STOP_SECONDS)
    assert count_starts(starts) == 2
    with pytest.raises(ProcessLookupError):
        os.kill(int(starts.read_text().split()[1]), 0)


def test_what_ends_at_once_is_not_started_again():
    ended = subprocess.run([KEEP_RUNNING, "sh", "-c", "exit 3"], check=False, timeout=60)
    assert ended.returncode == 3
