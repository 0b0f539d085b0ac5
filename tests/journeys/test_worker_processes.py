"""The processes of a worker: each with a parser of its own, replaced, killed and ended whole."""

import ctypes
import os
import shutil
import signal
import time

import pytest

from tests.deploy.reading import read_procfile
from tests.journeys.installation import STOP_SECONDS, WORKER, Installation
from tests.servers.brokers import running_redis
from tests.servers.processes import find_descendants, find_processes, wait_until_gone
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.slow
PARSER = "incoming_email.parsing.child"
PR_SET_CHILD_SUBREAPER = 36
"""Of prctl(2), which Python does not know."""

_deployed = read_procfile()["worker-incoming"]
WITH_HANGING = (
    *("-m", *_deployed[: _deployed.index("-Q")]),
    *("--include", "tests.journeys.hanging"),
)
"""As the Procfile starts it, but for all queues."""

SEND_MAILS = """
from django.utils import timezone
from incoming_email import demo, tasks
from incoming_email.pipeline import receiving
from incoming_email.inboxes.base import RawMessage
to = demo.seed(now=timezone.now()).users[0].new_issue_address
mail = 'From: dana@letterbox.localhost\\r\\nTo: %s\\r\\nSubject: Mail %s\\r\\n\\r\\nHo.\\r\\n'
messages = [RawMessage(f'{n}', (mail % (to, n)).encode(), to) for n in range(FIRST, FIRST + COUNT)]
rows = receiving.store(Mailbox.objects.get(), messages, now=timezone.now(), claimed=False)
[tasks.process_inbound_email.delay(inbound_email_id=row.pk) for row in rows]
"""
DONE = "SELECT count(*) FROM incoming_email_inboundemail WHERE status = 'processed'"
HANG = "from config.celery import app; app.send_task('tests.hang', kwargs={})"


class Work:
    """Mails and tasks for the worker of an installation."""

    def __init__(self, installation):
        self.installation, self.sent = installation, 0

    def send_mails(self, count):
        self.installation.ask(f"FIRST, COUNT = {self.sent}, {count}\n{SEND_MAILS}")
        self.sent += count

    def finish(self, meanwhile=lambda: None):
        def is_done():
            meanwhile()
            return self.installation.query(DONE) == self.sent

        wait_until(is_done)

    def go_on_until_gone(self, pids, worker, meanwhile=lambda: None):
        """On a busy machine one process may do nearly all of some mails, so more are sent."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while pids & processes_of(worker) and time.monotonic() < deadline:
            self.send_mails(6)
            self.finish(meanwhile)
        assert not pids & processes_of(worker)

    def hang(self, seconds):
        """Returns when the task has begun; the file that it writes to."""
        mark = self.installation.folder / "mark"
        mark.unlink(missing_ok=True)
        self.installation.ask(HANG.replace("{}", repr({"seconds": seconds, "mark": str(mark)})))
        wait_until(lambda: mark.exists() and mark.read_text())
        return mark


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    Installation(folder).set_up()
    return folder


@pytest.fixture
def make_work(prepared, tmp_path):
    def make(**settings):
        return Work(Installation(shutil.copytree(prepared, tmp_path / "data"), **settings))

    return make


@pytest.fixture
def orphans():
    """Asks for dead processes that nobody has buried: those without a parent become ours, as they
    become those of a container's first process, which buries none."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

    def find():
        processes = find_processes()
        return {each.pid for each in processes if (each.parent, each.state) == (os.getpid(), "Z")}

    yield find
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    for pid in find():
        os.waitpid(pid, os.WNOHANG)


def processes_of(worker):
    return {each.pid for each in find_descendants(worker.pid) if each.parent == worker.pid}


def parsers_of(worker):
    """Parsers by the process that they belong to."""
    found = find_descendants(worker.pid)
    return {each.parent: each.pid for each in found if PARSER in each.command}


@pytest.mark.parametrize("broker", ["files", pytest.param("redis", marks=pytest.mark.services)])
def test_a_task_that_hangs_is_ended_and_work_goes_on(make_work, broker, request):
    settings = {"TASK_TIME_LIMIT_SECONDS": "3", "PROCESSING_LEASE_SECONDS": "4"}
    if broker == "redis":
        settings["CELERY_BROKER_URL"] = request.getfixturevalue("redis")
    work = make_work(**settings)
    with work.installation.running(*WITH_HANGING):
        mark = work.hang(seconds=600)
        pid = int(mark.read_text())
        assert wait_until_gone({pid}, 10) == set()
        work.send_mails(4)
        work.finish()
    assert mark.read_text() == str(pid)


@pytest.fixture
def redis():
    with running_redis() as url:
        yield url


def test_processes_are_replaced_and_their_parsers_with_them(make_work, orphans):
    work = make_work(WORKER_MAX_TASKS_PER_CHILD="12")
    with work.installation.running(*WORKER) as worker:
        wait_until(lambda: len(processes_of(worker)) == 2)
        first, parsers = processes_of(worker), {}

        def look():
            parsers.update({parser: process for process, parser in parsers_of(worker).items()})

        # So few that who did them still lives.
        work.send_mails(2)
        work.finish()
        look()
        work.go_on_until_gone(first, worker, meanwhile=look)
        assert parsers, "nobody looked in time"
        assert len(set(parsers.values())) == len(parsers), "a process had two"
        gone = {parser for parser, process in parsers.items() if process in first}
        assert wait_until_gone(gone, 10) == set()
        assert orphans() == set()


def test_a_process_that_had_much_memory_is_replaced(make_work):
    work = make_work(WORKER_MAX_MEMORY_BYTES="1000000")
    with work.installation.running(*WORKER) as worker:
        work.send_mails(1)
        work.finish()
        work.go_on_until_gone(processes_of(worker), worker)


def test_processes_that_are_killed_are_replaced(make_work):
    """One that waits for a task as well: what it waits with must not be lost to the others."""
    work = make_work()
    with work.installation.running(*WORKER) as worker:
        for _ in range(4):
            work.send_mails(2)
            work.finish()
            killed = processes_of(worker)
            parsers = set(parsers_of(worker).values())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: len(processes_of(worker) - killed) == 2)  # noqa: B023
            assert wait_until_gone(killed | parsers, 10) == set()
        work.send_mails(4)
        work.finish()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_worker(make_work, ending):
    """In the middle of a task that hangs, and with a parser that waits."""
    work = make_work()
    with work.installation.running(*WITH_HANGING) as worker:
        work.send_mails(4)
        work.finish()
        assert parsers_of(worker)
        work.hang(seconds=600)
        everything = {worker.pid} | {each.pid for each in find_descendants(worker.pid)}
        begun = time.monotonic()
        worker.send_signal(ending)
        worker.wait(STOP_SECONDS)
        left = STOP_SECONDS - (time.monotonic() - begun)
        assert wait_until_gone(everything, left) == set()


def test_sigterm_lets_a_task_finish(make_work):
    work = make_work()
    with work.installation.running(*WITH_HANGING) as worker:
        mark = work.hang(seconds=4)
        worker.terminate()
        worker.wait(STOP_SECONDS)
    assert mark.read_text() == "done"
