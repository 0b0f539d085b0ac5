"""With LOG_FORMAT=json every process writes objects and nothing else, with the ids of rows."""

import json
import smtplib
import urllib.error
import urllib.request

import pytest

from tests.journeys.installation import BEAT, WORKER, Installation
from tests.servers.dovecot import free_ports
from tests.waiting import can_connect, wait_until

pytestmark = pytest.mark.slow
NAMES = {"time", "level", "logger", "message"}


def ask(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_every_process_writes_json(tmp_path):
    web, listener = free_ports(2)
    made = Installation(tmp_path, LOG_FORMAT="json", SMTP_LISTENER_PORT=str(listener))
    made.set_up()
    address = made.ask(
        "from incoming_email import demo; from django.utils import timezone;"
        "print(demo.seed(now=timezone.now()).users[0].new_issue_address)"
    )
    log = tmp_path / "log"
    processes = {
        "web": ("-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{web}"),
        "worker": WORKER,
        "beat": BEAT,
        "watcher": ("manage.py", "watch_mailboxes"),
        "listener": ("manage.py", "serve_smtp"),
    }
    with made.running_all(processes.values(), log=log):
        wait_until(lambda: can_connect(web) and can_connect(listener))
        mail = f"From: dana@letterbox.localhost\r\nTo: {address}\r\nSubject: Hi\r\n\r\nHo.\r\n"
        with smtplib.SMTP("127.0.0.1", listener) as client:
            client.sendmail("dana@letterbox.localhost", [address], mail)
        assert ask(web, "/unsubscribe/abcdefghijklmnopqrstuvwxyz/") == 404
        wait_until(lambda: "processed inbound_email=" in log.read_text())
        wait_until(lambda: "beat started" in log.read_text())
        written = log.read_text()
    entries = [json.loads(line) for line in written.splitlines()]
    assert all(set(entry) >= NAMES for entry in entries)
    (processed,) = [e for e in entries if e["message"].startswith("processed inbound_email=")]
    row = made.query("SELECT id FROM incoming_email_inboundemail")
    assert (processed["inbound_email"], processed["status"]) == (row, "processed")
    (missed,) = [e for e in entries if e["logger"] == "django.request"]
    assert missed["message"] == "Not Found: /unsubscribe/abcd…/"
    key = address.rpartition("-issue@")[0].rpartition("-")[2]
    assert len(key) == 25
    assert key not in written
