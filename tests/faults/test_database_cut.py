"""The database goes away and comes back under every process of the Procfile: mail flows again.

Connections are ended, as by a failover or a firewall, and the server is stopped for a while, each
twice. Nothing is restarted, nothing is lost, nothing is done twice.
"""

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

STORM = 20
CUTS = 5
ATTEMPTS = "SELECT max(attempts) FROM incoming_email_inboundemail WHERE subject LIKE '%calm'"


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
        wait_until(world.is_open, START_SECONDS)
        world.exchange(RESUME_SECONDS)
        storm(world)
        stormed = time.monotonic()
        for _ in range(2 * DEPTH):
            world.server.cut_connections()
            assert [world.ask_web(), world.ask_web()] == [200, 200]
            world.exchange(RESUME_SECONDS)
        for mode in ("fast", "immediate"):
            world.server.stop(mode)
            stay_away(world)
            world.server.start()
            back = time.time()
            assert world.ask_web() == 200
            world.exchange(RESUME_SECONDS)
        wait_until(lambda: world.find_oldest_sign() > back, 60)
        left = RETRY_SECONDS - (time.monotonic() - stormed)
        wait_until(lambda: set(world.find_titles()) == world.accepted, left)
        assert {name: each.returncode for name, each in processes.items() if each.poll()} == {}
    assert world.find_titles() == Counter(world.accepted)
    assert world.server.query(ATTEMPTS) == 1
