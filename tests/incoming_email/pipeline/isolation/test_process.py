"""Children are used again, replaced, reaped, and never outlive us or are shared by mistake."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incoming_email.pipeline.isolation.reading import RawText, parse_all
from tests.incoming_email.pipeline.isolation.conftest import HOSTILE
from tests.waiting import is_gone, join_all, wait_until

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[4]
PARENT = f"""
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
import django; django.setup()
from django.conf import settings
settings.PARSE_CPU_SECONDS = 100_000  # it would end what loops, too
from incoming_email.pipeline.isolation.process import ParserPool
from incoming_email.pipeline.isolation.reading import RawText, parse_all
pool = ParserPool("{HOSTILE}")
with pool.borrow(messages_per_child=9) as child:
    print(child.pid, flush=True)
list(parse_all([RawText(b"From: a@example.com\\n\\nfine")], pool=pool))
print("busy", flush=True)
list(parse_all([RawText(b"From: a@example.com\\n\\nORDER")], pool=pool))
print("idle", flush=True)
input()
"""


def read(pool, *texts):
    made = [RawText(f"From: a@example.com\n\n{text}".encode()) for text in texts]
    return [email.text for email in parse_all(made, pool=pool)]


def pid_of(pool):
    with pool.borrow(messages_per_child=10**6) as child:
        return child.pid


def open_files():
    """Compared by <=: a thread of an earlier test may only now close what it had open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def is_reaped(pid):
    """To be looked at once: the pool has waited for what it ended."""
    return not Path(f"/proc/{pid}").exists()


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_thousand_messages_go_through_one_child(alone, settings):
    settings.PARSE_MESSAGES_PER_CHILD = 10_000
    read(alone, *("warm up " * 100 for _ in range(100)))
    pid, files = pid_of(alone), open_files()
    before = resident_bytes(pid)
    for _ in range(20):
        assert read(alone, *(str(n) for n in range(50))) == [str(n) for n in range(50)]
    assert pid_of(alone) == pid
    assert open_files() <= files
    assert resident_bytes(pid) < before + 10_000_000


def test_a_child_is_replaced_after_so_many_messages(alone, settings):
    settings.PARSE_MESSAGES_PER_CHILD = 2
    read(alone, "one")
    first = pid_of(alone)
    read(alone, "two")
    assert is_reaped(first)
    assert read(alone, "three") == ["three"]


def test_a_child_killed_between_messages_costs_nothing(alone):
    read(alone, "one")
    pid = pid_of(alone)
    os.kill(pid, signal.SIGKILL)
    assert read(alone, "two") == ["two"]
    assert is_reaped(pid)


def test_a_child_killed_in_mid_message_is_replaced(alone, tmp_path):
    read(alone, "started")
    pid, mark = pid_of(alone), tmp_path / "mark"

    def kill_when_busy():
        wait_until(mark.exists)
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_when_busy)
    killer.start()
    assert read(alone, f"sleep_once {mark}", "after") == [f"sleep_once {mark}", "after"]
    join_all(killer)
    assert is_reaped(pid)


def test_closing_leaves_no_child_and_no_file(alone):
    files = open_files()
    read(alone, "one")
    pid = pid_of(alone)
    alone.close()
    assert is_reaped(pid)
    assert open_files() <= files


def test_an_abandoned_batch_leaves_no_child_that_owes_answers(alone):
    read(alone, "started")
    pid = pid_of(alone)
    emails = parse_all([RawText(b"From: a@example.com\n\n1")] * 5, pool=alone)
    next(emails)
    emails.close()
    assert is_reaped(pid)
    assert read(alone, "after") == ["after"]


def test_a_bad_child_is_reaped(alone, settings):
    read(alone, "started")
    pid, files = pid_of(alone), open_files()
    settings.PARSE_TIMEOUT_SECONDS = 1
    read(alone, "sleep")
    assert is_reaped(pid)
    assert open_files() <= files


def test_threads_get_their_own_answers(alone):
    def work(thread):
        return all(
            read(alone, f"{thread}-{n}", f"{thread}+{n}") == [f"{thread}-{n}", f"{thread}+{n}"]
            for n in range(20)
        )

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [True] * 4


def test_a_fork_starts_a_child_of_its_own(alone):
    read(alone, "before")
    pid, files = pid_of(alone), open_files()
    fork = os.fork()
    if fork == 0:  # no exception may get out of here: there is a test run above
        ok = False
        try:
            ok = read(alone, "in the fork") == ["in the fork"] and pid_of(alone) != pid
            alone.close()
            ok = ok and open_files() <= files - 3  # fewer where another pool had a child
        finally:
            os._exit(0 if ok else 1)
    assert os.waitpid(fork, 0)[1] == 0
    assert read(alone, "after") == ["after"]
    assert pid_of(alone) == pid


@pytest.mark.parametrize(
    ("order", "state"), [("fine", "idle"), ("loop", "busy"), ("sleep", "busy")]
)
def test_a_child_does_not_outlive_a_parent_that_is_killed(order, state, tmp_path):
    mark = tmp_path / "mark"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("ORDER", f"{order} {mark}")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        pid = int(parent.stdout.readline())
        assert state in map(str.strip, iter(parent.stdout.readline, ""))
        if state == "busy":
            wait_until(mark.exists)
        assert not is_gone(pid)
        parent.kill()
        parent.wait()
        wait_until(lambda: is_gone(pid))
