"""Every process of the Procfile on PostgreSQL and Redis, with secrets in files as in containers."""

import functools
import json
import smtplib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from config.environment import GENERATED
from tests.deploy.reading import read_procfile
from tests.journeys import installation
from tests.servers.brokers import running_redis
from tests.servers.dovecot import free_ports
from tests.servers.postgresql import running_postgresql

pytestmark = [pytest.mark.services, pytest.mark.slow]
wait_until = functools.partial(installation.wait_until, seconds=180)
"""Five processes start at once, and each question starts one more."""
ALL = "database,worker,beat,watcher,door,mailboxes,broker"


def health(port):
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/health/?only={ALL}", timeout=10
        ) as it:
            return json.load(it)["checks"]
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)["checks"]
    except OSError:
        return {}


def commands(web_port):
    """With this test's interpreter in the place of the programs on the path."""
    for name, (program, *words) in read_procfile().items():
        start = () if program == "python" else ("-m", program)
        yield (*start, *words, *(["--bind", f"127.0.0.1:{web_port}"] if name == "web" else []))


def test_mail_becomes_an_issue_on_postgresql_and_redis(tmp_path):
    web, door = free_ports(2)
    with running_postgresql() as database, running_redis() as redis:
        secrets = {"DATABASE_URL": database, **dict.fromkeys(GENERATED, "of-no-value-but-long")}
        for name, value in secrets.items():
            (tmp_path / name.lower()).write_text(f"{value}\n")
        made = installation.Installation(
            tmp_path / "data",
            **{f"{name}_FILE": str(tmp_path / name.lower()) for name in secrets},
            CELERY_BROKER_URL=redis,
            CACHE_URL=redis.removesuffix("0") + "1",
            SMTP_DOOR_PORT=str(door),
        )
        made.set_up()
        assert not Path(made.folder, "secret.env").exists()
        address = made.ask(
            "from incoming_email import demo; from django.utils import timezone;"
            "print(demo.seed(now=timezone.now()).users[0].new_issue_address)"
        )
        log = tmp_path / "log"
        with made.running_all(commands(web), log=log):
            wait_until(lambda: health(web).get("door", {}).get("ok"))
            mail = f"From: dana@letterbox.localhost\r\nTo: {address}\r\nSubject: Hi\r\n\r\nHo.\r\n"
            with smtplib.SMTP("127.0.0.1", door) as client:
                client.sendmail("dana@letterbox.localhost", [address], mail)
            outcome = "print(*InboundEmail.objects.values_list('outcome', flat=True))"
            wait_until(lambda: made.ask(outcome) == "issue acme/shop#2")
            told = "print(OutgoingEmail.objects.filter(state='sent').exists())"
            wait_until(lambda: made.ask(told) == "True")
            # The clock's first sign of life comes after half a minute.
            wait_until(lambda: all(check["ok"] for check in health(web).values()))
            assert set(health(web)) == set(ALL.split(","))
        assert "Traceback" not in log.read_text()
    assert not Path(made.folder, "db.sqlite3").exists()
