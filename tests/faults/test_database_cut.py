"""The database goes away and comes back under every process of the Procfile: mail flows again.

Connections are ended, as by a failover or a firewall, and the server is stopped for a while, each
twice. Nothing is restarted, nothing is lost, nothing is done twice.
"""

import socket
import time
from collections import Counter

import pytest

from tests.depth import DEPTH
from tests.faults.world import Mail, World
from tests.journeys.installation import Installation
from tests.servers.dovecot import free_ports
from tests.servers.postgresql import running_server
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.timeout(600 * DEPTH),
]
RESUME_SECONDS = 30
AWAY_SECONDS = 10
START_SECONDS = 90
"""Five processes start at once on a machine that may do other things."""

RETRY_SECONDS = 180
"""What was cut in the middle is due again after PROCESSING_LEASE_SECONDS; the sweep, each minute,
takes up what is due for one."""

BATCH = 4
"""Mails after each fault by each way: enough that every process of the worker gets some."""

STORM = 20
CUTS = 5
TITLES = "SELECT string_agg(title, '|') FROM issues_issue WHERE title LIKE 'Mail %'"
ATTEMPTS = "SELECT max(attempts) FROM incoming_email_inboundemail WHERE subject LIKE '%calm'"
OLDEST_SIGN = "SELECT extract(epoch FROM min(seen_at)) FROM incoming_email_heartbeat"


@pytest.fixture
def world(tmp_path):
    web, listener = free_ports(2)
    with running_server() as server:
        installation = Installation(
            tmp_path / "data",
            DATABASE_URL=server.url,
            SMTP_LISTENER_PORT=str(listener),
            PROCESSING_LEASE_SECONDS="20",
            TASK_TIME_LIMIT_SECONDS="19",
        )
        made = World(server, installation, tmp_path / "Maildir", web, listener)
        made.set_up()
        yield made


def find_titles(world):
    return Counter((world.server.query(TITLES) or "").split("|"))


def exchange(world):
    """Some mails by each way; all must be issues soon."""
    deadline = time.monotonic() + RESUME_SECONDS
    mails = [Mail(f"Mail {time.monotonic_ns()} calm") for _ in range(2 * BATCH)]
    for by_listener, by_maildir in zip(mails[::2], mails[1::2], strict=True):
        world.drop(by_maildir)
        world.send(by_listener, until=deadline)
    subjects = {mail.subject for mail in mails}
    wait_until(lambda: subjects <= set(find_titles(world)), deadline - time.monotonic())


def storm(world):
    """Mail without a pause, and one cut after the other."""
    deadline = time.monotonic() + RESUME_SECONDS
    for number in range(STORM):
        world.send(Mail(f"Mail {number} in a storm"), until=deadline)
        if number % (STORM // CUTS) == 0:
            world.server.cut_connections()


def stay_away(world):
    """The listener takes connections all the while, and says that mail can come later."""
    until = time.monotonic() + AWAY_SECONDS
    answers = set()
    while time.monotonic() < until:
        answers.add(world.offer(Mail("Mail that is not taken")))
        time.sleep(1)
    assert answers == {451}


def test_mail_flows_again_after_each_cut(world, tmp_path):
    with world.installation.running_lines(world.lines(), log=tmp_path / "log") as processes:
        wait_until(lambda: is_open(world.listener) and is_open(world.web), START_SECONDS)
        exchange(world)
        storm(world)
        stormed = time.monotonic()
        for _ in range(2 * DEPTH):
            world.server.cut_connections()
            assert [world.ask_web(), world.ask_web()] == [200, 200]
            exchange(world)
        for mode in ("fast", "immediate"):
            world.server.stop(mode)
            stay_away(world)
            world.server.start()
            back = time.time()
            assert world.ask_web() == 200
            exchange(world)
        wait_until(lambda: world.server.query(OLDEST_SIGN) > back, 60)
        left = RETRY_SECONDS - (time.monotonic() - stormed)
        wait_until(lambda: set(find_titles(world)) == world.accepted, left)
        assert {name: each.returncode for name, each in processes.items() if each.poll()} == {}
    assert find_titles(world) == Counter(world.accepted)
    assert world.server.query(ATTEMPTS) == 1


def is_open(port):
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
