"""SIGTERM ends each process in time, whatever it does, and no row waits for its claim."""

import shutil
import signal
import smtplib
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.installation import BEAT, WORKER, Installation
from tests.servers.dovecot import free_ports
from tests.servers.processes import find_descendants, wait_until_gone
from tests.waiting import can_connect, wait_until

pytestmark = pytest.mark.slow
STOP_SECONDS = 20
SLOW_WORKER = (*WORKER, "--include", "tests.journeys.slow_messages", "-Q", "fetching")
SLOW_WATCHER = ("-m", "tests.journeys.slow_messages")
COUNT = 30
SET_UP = """
from incoming_email import demo; from django.utils import timezone
address = demo.seed(now=timezone.now()).users[0].new_issue_address
key = Mailbox.objects.get().template.find_key(address)
Mailbox.objects.create(name='maildir', enabled=True, inbox_method='maildir',
                       address='in+%{{key}}@example.test', maildir_path='{maildir}')
print(address, 'in+' + key + '@example.test')
"""
PENDING = "SELECT count(*) FROM incoming_email_inboundemail WHERE status = 'pending'"
CLAIMED = f"{PENDING} AND (attempts > 0 OR next_attempt_at > datetime('now'))"
LEASED = "SELECT count(*) FROM incoming_email_mailbox WHERE lease_until IS NOT NULL"


@dataclass(frozen=True)
class Prepared:
    """An installation to be copied: a process of Python less for each test."""

    folder: Path
    maildir: Path
    listener_address: str

    def make(self, **settings):
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        return Installation(
            shutil.copytree(self.folder / "prepared", self.folder / "data"), **settings
        )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopping")
    installation = Installation(folder / "prepared")
    installation.set_up()
    for name in ("tmp", "new", "cur"):
        (folder / "mail" / name).mkdir(parents=True)
    listener, address = installation.ask(SET_UP.format(maildir=folder / "mail")).split()
    fields = f"From: dana@letterbox.localhost\r\nTo: {address}"
    for number in range(COUNT):
        text = f"{fields}\r\nSubject: {number}\r\n\r\nHo.\r\n"
        (folder / "mail" / "new" / f"{1700000000 + number}.M1P1.host").write_text(text)
    shutil.copytree(folder / "mail", folder / "full")
    return Prepared(folder, folder / "mail", listener)


@pytest.fixture
def _full_maildir(prepared):
    shutil.rmtree(prepared.maildir)
    shutil.copytree(prepared.folder / "full", prepared.maildir)


def stop(process):
    """Nothing of it is left in time."""
    everything = {process.pid} | {each.pid for each in find_descendants(process.pid)}
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(STOP_SECONDS)
    left = STOP_SECONDS - (time.monotonic() - begun)
    assert wait_until_gone(everything, left) == set()


@pytest.mark.usefixtures("_full_maildir")
@pytest.mark.parametrize("seconds", ["0.5", "600"])
@pytest.mark.parametrize("process", [SLOW_WORKER, SLOW_WATCHER], ids=["worker", "watcher"])
def test_claims_and_leases_are_given_back(prepared, process, seconds):
    """Of messages that take long, and of one that hangs."""
    installation = prepared.make(SECONDS_A_MESSAGE=seconds, WORKER_SHUTDOWN_SECONDS="4")
    with installation.running(*process) as running:
        wait_until(lambda: installation.query(CLAIMED) and installation.query(LEASED))
        time.sleep(1)  # into the first message
        stop(running)
    assert installation.query(PENDING), "all was done before the end came"
    assert (installation.query(CLAIMED), installation.query(LEASED)) == (0, 0)


def test_the_listener_ends_in_the_middle_of_a_message(prepared):
    (port,) = free_ports(1)
    installation = prepared.make(SMTP_LISTENER_PORT=str(port))
    with installation.running("manage.py", "serve_smtp") as running:
        wait_until(lambda: can_connect(port))
        client = smtplib.SMTP("127.0.0.1", port, timeout=60)
        client.ehlo()
        client.mail("dana@letterbox.localhost")
        client.rcpt(prepared.listener_address)
        client.putcmd("data")
        assert client.getreply()[0] == 354
        client.send(b"Subject: half of a message\r\n")
        stop(running)
        client.close()
    assert installation.query(PENDING) == 0


def test_beat_ends_while_the_broker_is_silent(prepared):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        installation = prepared.make(CELERY_BROKER_URL=url, WORKER_SHUTDOWN_SECONDS="2")
        with installation.running(*BEAT) as running:
            silent.settimeout(60)
            connection, _ = silent.accept()
            with connection:
                stop(running)


def test_web_pages_end_while_a_client_is_slow(prepared):
    (port,) = free_ports(1)
    installation = prepared.make(WEB_PORT=str(port), WORKER_SHUTDOWN_SECONDS="2")
    with installation.running("-m", "gunicorn", "config.wsgi") as running:
        wait_until(lambda: can_connect(port))
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            time.sleep(1)
            stop(running)
