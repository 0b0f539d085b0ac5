"""The process of the listener lives on without its database, and says that mail can come later."""

import time

import pytest

from tests.faults.world import Mail, World
from tests.journeys.installation import Installation
from tests.servers.dovecot import free_ports
from tests.servers.postgresql import running_server
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]
AWAY_SECONDS = 5.0
STORED = "SELECT count(*) FROM incoming_email_inboundemail WHERE status = 'pending'"
OFTEN = """
import django; django.setup()
from django.core.management import call_command
from incoming_email.smtp import listener
record = listener.record_heartbeat
def record_and_say():
    record()
    print("tried", flush=True)
listener.HEARTBEAT_SECONDS, listener.record_heartbeat = 0.2, record_and_say
call_command("serve_smtp")
"""
"""The listener, with many signs of life while the database is away."""


def test_the_listener_goes_on_while_the_database_is_away(tmp_path):
    web, port = free_ports(2)
    with running_server() as server:
        installation = Installation(
            tmp_path / "data", DATABASE_URL=server.url, SMTP_LISTENER_PORT=str(port)
        )
        world = World(server, installation, tmp_path / "Maildir", web, port)
        world.set_up()
        log = tmp_path / "log"
        with installation.running("-c", OFTEN, log=log) as listener:
            wait_until(lambda: can_connect(port))
            assert world.offer(Mail("Mail before")) == 250
            server.stop("fast")
            signs = log.read_text().count("tried")
            until, answers = time.monotonic() + AWAY_SECONDS, set()
            while time.monotonic() < until:
                answers.add(world.offer(Mail("Mail meanwhile")))
                time.sleep(0.2)
            # Before, the first sign of life that failed ended the process: "connection refused".
            assert (answers, listener.poll()) == ({451}, None)
            wait_until(lambda: log.read_text().count("tried") > signs + 1)
            server.start()
            world.send(Mail("Mail behind"), until=time.monotonic() + PATIENCE_SECONDS)
            assert listener.poll() is None
        assert server.query(STORED) == 2
