"""A Celery worker on each broker takes up a message that came through the SMTP door."""

import os
import smtplib
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.brokers import running_rabbitmq, running_redis
from tests.servers.dovecot import free_ports

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.services, pytest.mark.slow]
PATIENCE_SECONDS = 60


class Installation:
    """Letterbox in a folder of its own, run by the same commands that people use."""

    def __init__(self, folder: Path, **settings: str) -> None:
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
        self.environment = {**kept, "DATA_DIR": str(folder), **settings}

    def manage(self, *words: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    @contextmanager
    def running(self, *words: str):
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, expression: str) -> str:
        code = f"from incoming_email.models import *; from issues.models import *; {expression}"
        return self.manage("shell", "--no-imports", "-c", code).strip()


def wait_until(answers, wanted):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := answers()) != wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    assert answer == wanted


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
        installation = Installation(tmp_path, CELERY_BROKER_URL=url, SMTP_DOOR_PORT=str(port))
        installation.manage("migrate", "--verbosity", "0")
        installation.manage("seed_demo")
        address = installation.ask(
            "from incoming_email import demo; from django.utils import timezone;"
            "print(demo.seed(now=timezone.now()).users[0].new_issue_address)"
        )
        worker = ("-m", "celery", "--quiet", "-A", "config", "worker", "--pool", "threads")
        with (
            installation.running(*worker, "--concurrency", "2"),
            installation.running("manage.py", "serve_smtp"),
        ):
            wait_until(lambda: can_connect(port), True)
            mail = f"From: dana@letterbox.localhost\r\nTo: {address}\r\nSubject: Hi\r\n\r\nHo.\r\n"
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail("dana@letterbox.localhost", [address], mail)
            wait_until(
                lambda: installation.ask(
                    "print(*InboundEmail.objects.values_list('status', 'outcome'))"
                ),
                "('processed', 'issue acme/shop#2')",
            )
