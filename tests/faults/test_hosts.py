"""Two machines share only PostgreSQL, Redis and one folder, and one is cut off in the middle of its
work: nothing is lost, nothing is done twice, and the other one goes on.
"""

import json
import shlex
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen

import psycopg
import pytest

from tests.deploy.reading import read_procfile_lines
from tests.faults.hosts import Host, running_hosts
from tests.faults.world import DANA, TITLES, Mail
from tests.journeys.installation import NO_LIMITS, Installation, end
from tests.servers.brokers import running_redis_server
from tests.servers.postgresql import PostgresqlServer, running_server
from tests.waiting import PROCESS_SECONDS, wait_until

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.timeout(2400),
]
CUT_SECONDS = 90
"""Longer than tcp_user_timeout and connect_timeout together, so that all there have noticed."""

RETRY_SECONDS = 600
"""What was cut off in the middle is due again after its lease, or when the server has noticed."""

NOTICE_SECONDS = 60
"""More than keepalives_idle + keepalives_count * keepalives_interval of config/databases.py."""

ONCE = ("beat", "watcher", "web")
PORT = 2525


@dataclass
class Senders:
    """A mail server for each host: each mail is offered to it again until somebody took it."""

    recipient: str
    hosts: Sequence[Host]
    accepted: set[str] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._send, args=(host,)) for host in self.hosts]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stopped.set()
            for thread in threads:
                thread.join()

    def _send(self, host: Host) -> None:
        while not self.stopped.wait(0.5):
            mail = Mail(f"Mail {time.monotonic_ns()} {host.name}")
            until = time.monotonic() + RETRY_SECONDS
            while not self.offer(mail, host) and time.monotonic() < until:
                time.sleep(1)

    def offer(self, mail: Mail, host: Host) -> bool:
        """Whoever has no answer does not know whether it was taken, and sends it again as it is."""
        try:
            with smtplib.SMTP(host.address, PORT, timeout=20) as client:
                client.sendmail(DANA, [self.recipient], mail.write(self.recipient))
        except (OSError, smtplib.SMTPException):
            return False
        self.accepted.add(mail.subject)
        return True


@contextmanager
def running(
    installation: Installation, hosts: Sequence[Host], log: Path
) -> Iterator[list[Popen[bytes]]]:
    """Listener and workers on each host, and on the first what is there once."""
    processes = []
    try:
        for host in hosts:
            for name, line in read_procfile_lines().items():
                if name not in ONCE or host is hosts[0]:
                    command = f"{' '.join(host.inside)} {line}"
                    processes.append(installation.start_line(command, log=log))
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            end(process)


def find_titles(server: PostgresqlServer) -> Counter[str]:
    return Counter((server.query(TITLES) or "").split("|"))


@pytest.mark.deep
def test_a_host_is_cut_off_and_comes_back(tmp_path):
    with ExitStack() as stack:
        switch = stack.enter_context(running_hosts(2))
        hosts = switch.hosts
        server = stack.enter_context(running_server(address=switch.address))
        redis = stack.enter_context(running_redis_server(address=switch.address))
        installation = Installation(
            tmp_path / "data",
            DATABASE_URL=server.url,
            CELERY_BROKER_URL=redis.url,
            SMTP_LISTENER_HOST="0.0.0.0",
            SMTP_LISTENER_PORT=str(PORT),
            WORKER_CONCURRENCY="1",
            PROCESSING_LEASE_SECONDS="20",
            TASK_TIME_LIMIT_SECONDS="19",
            **NO_LIMITS,
        )
        installation.set_up()
        demo = json.loads(installation.manage("seed_demo", "--json"))
        senders = Senders(demo["users"][0]["addresses"]["new_issue"], hosts)
        processes = stack.enter_context(running(installation, hosts, log=tmp_path / "log"))
        first = [Mail(f"Mail first {host.name}") for host in hosts]
        for mail, host in zip(first, hosts, strict=True):
            wait_until(lambda mail=mail, host=host: senders.offer(mail, host), PROCESS_SECONDS)
        wait_until(lambda: set(find_titles(server)) >= senders.accepted, PROCESS_SECONDS)
        stays, goes = hosts
        with senders.running():
            time.sleep(10)
            goes.set_link("down")
            time.sleep(CUT_SECONDS)
            alone = Mail("Mail while one is away")
            assert senders.offer(alone, stays)
            wait_until(lambda: alone.subject in find_titles(server), PROCESS_SECONDS)
            goes.set_link("up")
            again = Mail("Mail to who is back")
            wait_until(lambda: senders.offer(again, goes), PROCESS_SECONDS)
            time.sleep(10)
        wait_until(lambda: set(find_titles(server)) >= senders.accepted, RETRY_SECONDS)
        assert find_titles(server) == Counter(senders.accepted)
        assert [process.args for process in processes if process.poll()] == []
        assert any(goes.name in subject for subject in senders.accepted)


LOCK = """
import time
from django.db import connection, transaction
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("SELECT * FROM held FOR UPDATE")
    print("locked", flush=True)
    time.sleep(3600)
"""


def test_hosts_can_be_made_again_while_a_process_of_the_last_ones_lives():
    code = ["sh", "-c", "echo inside; exec sleep 3600"]
    with ExitStack() as stack:
        for _again in range(2):
            with running_hosts(1) as switch:
                process = Popen([*switch.hosts[0].inside, *code], stdout=PIPE)
                stack.enter_context(process)
                stack.callback(process.kill)
                assert process.stdout.readline() == b"inside\n"


@pytest.mark.parametrize("pause", [0, 3], ids=["with an answer on its way", "at rest"])
def test_the_server_ends_the_locks_of_a_host_that_was_cut_off(tmp_path, pause):
    """TCP by itself would notice after a quarter of an hour, or after two hours at rest."""
    with running_hosts(1) as switch, running_server(address=switch.address) as server:
        (host,) = switch.hosts
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE held AS SELECT 1 AS id")
        installation = Installation(tmp_path / "data", DATABASE_URL=server.url)
        log = tmp_path / "log"
        code = shlex.join(["python", "manage.py", "shell", "--no-imports", "-c", LOCK])
        process = installation.start_line(f"{' '.join(host.inside)} {code}", log=log)
        try:
            wait_until(lambda: "locked" in log.read_text(), PROCESS_SECONDS, or_show=log.read_text)
            time.sleep(pause)
            host.set_link("down")
            with psycopg.connect(server.url) as connection:
                connection.execute(f"SET lock_timeout = '{NOTICE_SECONDS}s'")
                assert connection.execute("SELECT * FROM held FOR UPDATE").fetchone() == (1,)
        finally:
            process.kill()
            end(process)
