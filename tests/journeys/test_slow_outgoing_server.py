"""A real worker whose outgoing server drips, and a real Postfix that refuses to relay."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings

from issues import outbox
from issues.models import OutgoingEmail, OutgoingState
from tests.issues.outgoing import NOW, enqueue
from tests.issues.sending_steps import send_by
from tests.servers.postfix import Postfix
from tests.servers.scripted_smtp import drip, running_smtp
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.services

WRITE = """
import django; django.setup()
from django.utils import timezone
from issues import outbox
for n in range(3):
    outbox.enqueue(kind="notice", effect_key=f"n{n}", recipient=f"ann{n}@example.com", subject="x",
        text="x", envelope_sender="", message_id=f"n{n}@letterbox.localhost", now=timezone.now())
"""


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
