"""A Celery worker on each broker takes up a message that came through the SMTP listener."""

import smtplib
from contextlib import contextmanager

import pytest

from tests.journeys.installation import WORKER, Installation
from tests.servers.brokers import running_rabbitmq, running_redis
from tests.servers.dovecot import free_ports
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]


def can_connect(port: int) -> bool:
    try:
        smtplib.SMTP("127.0.0.1", port, timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def embedded():
    yield "filesystem://"


@pytest.mark.parametrize("broker", [embedded, running_redis, running_rabbitmq])
def test_a_message_is_processed_by_a_worker(broker, tmp_path):
    (port,) = free_ports(1)
    with broker() as url:
        installation = Installation(tmp_path, CELERY_BROKER_URL=url, SMTP_LISTENER_PORT=str(port))
        installation.set_up()
        address = installation.ask(
            "from incoming_email import demo; from django.utils import timezone;"
            "print(demo.seed(now=timezone.now()).users[0].new_issue_address)"
        )
        with (
            installation.running(*WORKER),
            installation.running("manage.py", "serve_smtp"),
        ):
            wait_until(lambda: can_connect(port))
            mail = f"From: dana@letterbox.localhost\r\nTo: {address}\r\nSubject: Hi\r\n\r\nHo.\r\n"
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail("dana@letterbox.localhost", [address], mail)
            wait_until(
                lambda: installation.query(
                    "SELECT count(*) FROM incoming_email_inboundemail"
                    " WHERE outcome LIKE 'issue acme/shop#%'"
                )
            )
