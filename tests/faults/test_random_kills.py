"""Mail without a pause by IMAP and by the listener, and every five seconds one process dies.

Each mail has one effect, and the memory of the processes does not grow. RANDOM_KILL_MAILS=50000
takes more mails than the few thousand of `make test-deep`.
"""

import itertools
import os
import random
import smtplib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from tests.faults.figures import add_kill_figures
from tests.faults.service_faults import Scene
from tests.faults.world import DANA, World
from tests.journeys.installation import NO_LIMITS, Installation
from tests.servers.brokers import running_redis_server
from tests.servers.dovecot import Dovecot, free_ports, password_of
from tests.servers.postgresql import running_server
from tests.servers.processes import find_descendants, read_private_bytes
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.deep,
    pytest.mark.timeout(4 * 3600),
]
MAILS = int(os.environ.get("RANDOM_KILL_MAILS", "3000"))
KILL_SECONDS = 5.0
START_SECONDS = 180
CHUNK = 50
AHEAD = 1_000
"""Mails that may wait at the server: a backlog of any size would only be a longer run."""

RETRY_SECONDS = 600.0
"""For the last ones, of which the process was killed again and again."""

GROWTH = 1.3
MAILBOX = """
from incoming_email.keys import reply_keys
Mailbox.objects.create(name='imap', enabled=True, address='{name}+%{{key}}@{domain}',
                       host='127.0.0.1', port={port}, user='{user}', password='{password}')
dana = User.objects.get(username='dana')
item = Issue.objects.order_by('pk').first()
to = reply_keys.reply_routes(recipients=[dana], item=item, discussion='')[dana.pk].reply_to
key = next(key for box in Mailbox.objects.all() if (key := box.template.find_key(to)))
print('{name}+' + key + '@{domain}')
"""
COUNT = "SELECT count(*) || ' ' || count(DISTINCT {0}) FROM {1} WHERE {0} LIKE '{2} %'"
ISSUES = COUNT.format("title", "issues_issue", "New")
NOTES = COUNT.format("body", "issues_note", "Answer")


def write(to: str, subject: str, text: str, number: int) -> str:
    fields = (f"From: {DANA}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <{number}@k.test>")
    return "\r\n".join([*fields, "", text, ""])


class Senders:
    """Two threads: each keeps a mail until it is taken over."""

    def __init__(self, world: World, dovecot: Dovecot, user: str, address: str) -> None:
        self.world, self.dovecot, self.user, self.address = world, dovecot, user, address
        self.sent = self.delivered = 0
        self.threads = [
            threading.Thread(target=run, daemon=True) for run in (self._send, self._deliver)
        ]

    def are_done(self) -> bool:
        return not any(thread.is_alive() for thread in self.threads)

    def _send(self) -> None:
        to = self.world.issue_address
        while self.sent < MAILS // 2:
            try:
                with smtplib.SMTP("127.0.0.1", self.world.listener, timeout=30) as client:
                    while self.sent < MAILS // 2:
                        mail = write(to, f"New {self.sent}", "It came by mail.", self.sent)
                        client.sendmail(DANA, [to], mail)
                        self.sent += 1
            except (OSError, smtplib.SMTPException):
                time.sleep(0.5)

    def _deliver(self) -> None:
        for start in range(0, MAILS // 2, CHUNK):
            numbers = range(start, min(start + CHUNK, MAILS // 2))
            mails = (write(self.address, "Re: it", f"Answer {n}.", MAILS + n) for n in numbers)
            self.dovecot.deliver(self.user, *(mail.encode() for mail in mails))
            self.delivered = numbers.stop
            while self.delivered - count(self.world, NOTES)[0] > AHEAD:
                time.sleep(1)


def count(world: World, sql: str) -> tuple[int, int]:
    """All, and the different ones."""
    every, different = str(world.server.query(sql)).split()
    return int(every), int(different)


def kill_one(scene: Scene, choose: random.Random) -> None:
    """A process of the Procfile, started again at once as by its supervisor, or a child of one."""
    name = choose.choice(list(scene.processes))
    children = find_descendants(scene.processes[name].pid)
    if children and choose.random() < 0.5:
        os.kill(choose.choice(children).pid, 9)
    else:
        scene.restart(name, kill=True)


def kill_until(is_done: Callable[[], bool], scene: Scene) -> tuple[int, list[int]]:
    """How many were killed, and how much memory all processes together had before each."""
    choose, memory = random.Random(20261130), []
    for kills in itertools.count(1):
        memory.append(sum(read_private_bytes(each.pid) for each in scene.processes.values()))
        kill_one(scene, choose)
        until = time.monotonic() + KILL_SECONDS
        while time.monotonic() < until:
            if is_done():
                return kills, memory
            time.sleep(0.2)
    raise AssertionError


def test_each_mail_has_one_effect_and_memory_stays_flat(dovecot: Dovecot, tmp_path: Path) -> None:
    web, listener = free_ports(2)
    with running_server() as server, running_redis_server() as broker:
        installation = Installation(
            tmp_path / "data",
            DATABASE_URL=server.url,
            CELERY_BROKER_URL=broker.url,
            SMTP_LISTENER_PORT=str(listener),
            PROCESSING_LEASE_SECONDS="20",
            TASK_TIME_LIMIT_SECONDS="19",
            MAILBOX_LEASE_SECONDS="20",
            LOG_LEVEL="WARNING",
            **NO_LIMITS,
        )
        world = World(server, installation, tmp_path / "Maildir", web, listener)
        world.set_up()
        user = dovecot.take_user()
        name, _, domain = user.partition("@")
        filled = {"name": name, "domain": domain, "port": dovecot.port, "user": user}
        address = installation.ask(MAILBOX.format(**filled, password=password_of(user)))
        scene = Scene(world, tmp_path / "log", broker)
        senders = Senders(world, dovecot, user, address)
        half = MAILS // 2
        with installation.running_lines(world.lines(), log=scene.log) as scene.processes:
            wait_until(world.is_open, START_SECONDS)
            began = time.monotonic()
            for thread in senders.threads:
                thread.start()
            kills, memory = kill_until(senders.are_done, scene)
            until = time.monotonic() + RETRY_SECONDS
            while time.monotonic() < until and (
                count(world, ISSUES)[1] < half or count(world, NOTES)[1] < half
            ):
                time.sleep(1)
            minutes = (time.monotonic() - began) / 60
        found = [count(world, sql) for sql in (ISSUES, NOTES)]
    lost = sum(half - different for _every, different in found)
    doubled = sum(every - different for every, different in found)
    third = max(1, len(memory) // 3)
    first, last = (round(median(part) / 1e6) for part in (memory[:third], memory[-third:]))
    add_kill_figures(
        mails=2 * half,
        kills=kills,
        lost=lost,
        doubled=doubled,
        minutes=round(minutes),
        first=first,
        last=last,
    )
    assert (lost, doubled) == (0, 0)
    assert last < first * GROWTH
