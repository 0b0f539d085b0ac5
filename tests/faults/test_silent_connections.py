"""What is between us and the database forwards nothing on open connections, and closes none.

As a load balancer or pooler may after a failover. New connections work: so mail flows again under
every process of the Procfile, nothing is restarted, nothing is lost, nothing is done twice.
"""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.world import World
from tests.journeys.installation import Installation
from tests.servers.dovecot import free_ports
from tests.servers.faulty_link import FaultyLink
from tests.servers.postgresql import running_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(600)]
RESUME_SECONDS = 60
START_SECONDS = 90
READERS = 8
"""Of pages, at once: so that every thread of the web process has a connection."""


@pytest.fixture
def link():
    with running_server() as server, FaultyLink(server.port) as between:
        between.server = server
        yield between


@pytest.fixture
def world(tmp_path, link):
    web, listener = free_ports(2)
    installation = Installation(
        tmp_path / "data",
        DATABASE_URL=f"postgres://tests@127.0.0.1:{link.port}/postgres",
        SMTP_LISTENER_PORT=str(listener),
        PROCESSING_LEASE_SECONDS="20",
        TASK_TIME_LIMIT_SECONDS="19",
    )
    made = World(link.server, installation, tmp_path / "Maildir", web, listener)
    made.set_up()
    return made


def ask_all(world):
    with ThreadPoolExecutor(READERS) as readers:
        return list(readers.map(lambda _: world.ask_web(), range(READERS)))


def test_mail_flows_again_on_new_connections(world, link, tmp_path):
    with world.installation.running_lines(world.lines(), log=tmp_path / "log") as processes:
        wait_until(world.is_open, START_SECONDS)
        world.exchange(RESUME_SECONDS)
        for _ in range(2):
            assert ask_all(world) == [200] * READERS
            link.fall_silent()
            silent = time.time()
            world.exchange(RESUME_SECONDS)
            assert ask_all(world) == [200] * READERS
            # The heartbeat itself is sent once a minute.
            wait_until(lambda since=silent: world.find_oldest_sign() > since, RESUME_SECONDS + 60)
        assert {name: each.returncode for name, each in processes.items() if each.poll()} == {}
    assert world.find_titles() == Counter(world.accepted)
