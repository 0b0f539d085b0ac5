"""A real worker whose outgoing server drips, and a real Postfix that refuses to relay."""

import os
import signal
import smtplib
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings

from issues import outbox
from issues.models import OutgoingEmail, OutgoingState
from tests.deploy.reading import read_procfile_lines
from tests.issues.outgoing import NOW, enqueue
from tests.issues.sending_steps import send_by
from tests.journeys.installation import Installation
from tests.servers.dovecot import free_ports
from tests.servers.postfix import Postfix
from tests.servers.scripted_smtp import drip, running_smtp
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until

pytestmark = pytest.mark.services

WRITE = """
import django; django.setup()
from django.utils import timezone
from issues import outbox
for n in range(3):
    outbox.enqueue(kind="notice", effect_key=f"n{n}", recipient=f"ann{n}@example.com", subject="x",
        text="x", envelope_sender="", message_id=f"n{n}@letterbox.localhost", now=timezone.now())
"""

DANA = "dana@letterbox.localhost"
ADDRESS = """
from incoming_email import demo; from django.utils import timezone
print(demo.seed(now=timezone.now()).users[0].new_issue_address)
"""
FRESH = "SELECT count(*) FROM issues_issue WHERE title = 'Fresh'"
UNFINISHED = "SELECT count(*) FROM issues_outgoingemail WHERE state = 'pending' AND attempts > 0"


def test_sigterm_ends_a_worker_whose_server_drips(tmp_path):
    with running_smtp(script={".": drip(b"250-x\r\n")}) as server:
        environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
            "REMAP_SIGTERM": "SIGQUIT",
            "WORKER_SHUTDOWN_SECONDS": "3",
            "WORKER_CONCURRENCY": "1",
        }

        def run(*words):
            return subprocess.Popen(
                [sys.executable, *words], cwd=django_settings.BASE_DIR, env=environment
            )

        assert run("manage.py", "migrate", "--verbosity", "0").wait(PATIENCE_SECONDS) == 0
        worker = run("-m", "celery", "-A", "config", "worker", "--loglevel", "ERROR")
        try:
            assert run("-c", WRITE).wait(PATIENCE_SECONDS) == 0
            wait_until(lambda: server.mails)
            began = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            worker.wait(PATIENCE_SECONDS)
            # Its own time, the 60 s of an exchange apart.
            assert time.monotonic() - began < 40
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
    assert len(server.mails) == 1


def test_fresh_mail_does_not_wait_for_it(tmp_path):
    """With the workers of `make run`, which have two queues each."""
    (port,) = free_ports(1)
    with running_smtp(script={".": drip(b"250-x\r\n")}) as server:
        letterbox = Installation(
            tmp_path / "data",
            EMAIL_URL=f"smtp://127.0.0.1:{server.port}",
            SMTP_LISTENER_PORT=str(port),
            WORKER_SHUTDOWN_SECONDS="3",
            WORKER_CONCURRENCY="1",
        )
        letterbox.set_up()
        address = letterbox.ask(ADDRESS)
        lines = read_procfile_lines("Procfile.run")
        needed = {name: lines[name] for name in ("worker-1", "worker-2", "listener")}
        with letterbox.running_lines(needed, log=tmp_path / "log"):
            wait_until(lambda: can_connect(port))
            letterbox.ask(WRITE)
            wait_until(lambda: server.mails)
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_SECONDS) as client:
                client.sendmail(DANA, [address], f"From: {DANA}\r\nSubject: Fresh\r\n\r\nHo.\r\n")
            # An exchange with such a server lasts a minute.
            wait_until(lambda: letterbox.query(FRESH), 40)
            assert letterbox.query(UNFINISHED) == 1


REFUSES = """\
virtual_mailbox_domains = letterbox.localhost
virtual_transport = discard:
smtpd_relay_restrictions = reject_unauth_destination
mynetworks = 192.0.2.0/24
"""
TAKES = "default_transport = discard:\n"


@pytest.mark.django_db
def test_a_postfix_that_does_not_relay_for_us_keeps_all_mail_waiting(settings):
    for n in range(3):
        enqueue(n=n)
    with Postfix(REFUSES) as postfix:
        send_by(settings, postfix.port, exchange=30)
        assert outbox.deliver_due(now=NOW) == 0
        assert "554 5.7.1 <ann0@example.com>: Relay access denied" in outbox.find_failure().message
        assert set(OutgoingEmail.objects.values_list("state", "attempts")) == {
            (OutgoingState.PENDING, 0)
        }


@pytest.mark.django_db
def test_a_postfix_takes_8bit_texts_and_an_address_beyond_ascii(settings):
    enqueue(n=0, recipient="änn@example.com", text="안녕 café")
    enqueue(n=1, text="x" * 990 + "\n.dot\n")
    with Postfix(TAKES) as postfix:
        send_by(settings, postfix.port, exchange=30)
        assert outbox.deliver_due(now=NOW) == 2, OutgoingEmail.objects.values("last_error")
        wait_until(lambda: postfix.log().count("status=sent") >= 2, or_show=postfix.log)
