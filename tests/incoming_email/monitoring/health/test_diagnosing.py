"""The whole check: its order, what it covers, and a database that fails."""

import pytest
from django.db import OperationalError
from django.utils import timezone

from incoming_email.models import InboxMethod
from incoming_email.monitoring import health
from incoming_email.monitoring.health import installation
from tests.incoming_email.factories import MailboxFactory
from tests.servers.dovecot import free_ports

NOW = timezone.now()
INSTALLATION = [
    *("database", "mailboxes", "broker", "worker", "beat", "watcher"),
    *("oldest pending", "failed rows", "held rows", "outgoing mail", "sending"),
    *("unsent mail", "disk space", "clock"),
]


@pytest.fixture(autouse=True)
def closed_listener(settings):
    (settings.SMTP_LISTENER_PORT,) = free_ports(1)
    settings.CHECK_DISK_WARN_BYTES = settings.CHECK_DISK_MIN_BYTES = 0


def smtp_mailbox(name: str, **changes: object) -> None:
    MailboxFactory(name=name, inbox_method=InboxMethod.SMTP, **changes)


def test_mailboxes_come_first_by_name_then_the_installation(db):
    smtp_mailbox("support")
    smtp_mailbox("incoming")
    smtp_mailbox("asleep", enabled=False)
    lines = [(each.mailbox, each.finding.step) for each in health.diagnose(now=NOW)]
    steps = ("configuration", "listener", "domain")
    assert lines == [
        *(("incoming", step) for step in steps),
        *(("support", step) for step in steps),
        *(("", step) for step in INSTALLATION),
    ]


def test_only_one_mailbox_enabled_or_not(db):
    smtp_mailbox("incoming")
    smtp_mailbox("asleep", enabled=False)
    findings = health.diagnose(now=NOW, only="asleep")
    assert {each.mailbox for each in findings} == {"asleep", ""}
    assert [each.finding.step for each in findings if not each.mailbox] == INSTALLATION


def test_database_that_fails_is_a_finding(db, monkeypatch):
    def fail(**_: object) -> None:
        raise OperationalError("no such table: incoming_email_heartbeat")

    monkeypatch.setattr(installation, "find_ledger", fail)
    findings = [each.finding for each in health.diagnose(now=NOW)]
    assert [(f.step, f.answer.value) for f in findings] == [
        ("database", "no"),
        ("broker", "yes"),
        ("outgoing mail", "skipped"),
        ("disk space", "yes"),
    ]
    assert findings[0].detail == "no such table: incoming_email_heartbeat"
    assert "python manage.py migrate" in findings[0].remedy
