"""What machines are told: /health/ and /metrics, and who may ask."""

from datetime import timedelta

import pytest
from celery import current_app
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu import Connection
from prometheus_client.parser import text_string_to_metric_families

from incoming_email.checks import check_metrics
from incoming_email.models import InboxMethod, Probe, heartbeats
from incoming_email.monitoring.health import signs
from incoming_email.outcomes import Status
from issues.models import OutgoingAccount, OutgoingEmail
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.beating import QUEUES, record_all_workers
from tests.incoming_email.factories import MailboxFactory
from tests.servers.dovecot import free_ports

pytestmark = pytest.mark.django_db
TOKEN = "metrics-token-of-no-value"


@pytest.fixture
def alive():
    record_all_workers(now=timezone.now())


def checks(answer):
    return {name: check["ok"] for name, check in answer.json()["checks"].items()}


def test_health_is_good_when_all_lives(client, alive):
    MailboxFactory(failing_since=timezone.now() - timedelta(minutes=29))
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    names = ("database", "worker", *QUEUES, "beat")
    names += ("processing", "mailboxes", "probes", "sending", "broker", "disk")
    assert checks(answer) == dict.fromkeys(names, True)
    assert "no-cache" in answer.headers["Cache-Control"]


def test_health_is_bad_when_worker_and_beat_were_never_seen(client):
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    assert [name for name, good in checks(answer).items() if not good] == [
        "worker",
        *QUEUES,
        "beat",
    ]


def test_health_is_bad_when_no_worker_serves_a_queue(client):
    record_all_workers(now=timezone.now(), queues=("incoming", "fetching", "upkeep"))
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert [name for name, good in checks(answer).items() if not good] == ["worker", "outgoing"]
    assert client.get("/health/?only=incoming,fetching").status_code == 200
    assert client.get("/health/?only=outgoing").status_code == 503


def test_health_is_bad_when_beat_was_not_seen_for_three_minutes(client, alive):
    heartbeats.record_heartbeat(heartbeats.BEAT, now=timezone.now() - timedelta(seconds=181))
    answer = client.get("/health/")
    assert [name for name, good in checks(answer).items() if not good] == ["beat"]
    assert answer.json()["checks"]["beat"]["seen_seconds_ago"] >= 181


def test_health_is_bad_when_nobody_reads_a_mailbox(client, alive):
    """As after a clock that jumped, or without a worker that fetches."""
    MailboxFactory(last_success_at=timezone.now() - timedelta(minutes=31), enabled_at=None)
    MailboxFactory(last_success_at=timezone.now(), enabled_at=None)
    MailboxFactory(enabled_at=None, enabled=False)
    MailboxFactory(enabled_at=None, inbox_method=InboxMethod.SMTP)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert answer.json()["checks"]["mailboxes"] == {"ok": False, "failing": 0, "unread": 1}


def test_health_does_not_trust_a_sign_of_life_that_is_still_to_come(client, alive):
    heartbeats.record_heartbeat(heartbeats.BEAT, now=timezone.now() + timedelta(days=1))
    answer = client.get("/health/")
    assert [name for name, good in checks(answer).items() if not good] == ["beat"]


def test_health_is_bad_when_a_mailbox_has_failed_for_long_and_does_not_name_it(client, alive):
    long_ago = timezone.now() - timedelta(minutes=31)
    MailboxFactory(name="Private", failing_since=long_ago, last_error="imap.example.com refused")
    MailboxFactory(failing_since=long_ago, enabled=False)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert answer.json()["checks"]["mailboxes"] == {"ok": False, "failing": 1}
    assert "Private" not in answer.text
    assert "example.com" not in answer.text


def test_health_is_bad_when_the_broker_is_away(client, alive, monkeypatch):
    (port,) = free_ports(1)

    def connect(**more):
        return Connection(f"redis://:broker-password@127.0.0.1:{port}/0", **more)

    monkeypatch.setattr(current_app, "connection_for_write", connect)
    answer = client.get("/health/")
    assert [name for name, good in checks(answer).items() if not good] == ["broker"]
    assert "broker-password" not in answer.text


def test_health_is_bad_while_a_disk_is_nearly_full(client, alive, settings):
    settings.CHECK_DISK_MIN_BYTES = 10**18
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert [name for name, good in checks(answer).items() if not good] == ["disk"]
    assert answer.json()["checks"]["disk"] == {"ok": False}


def test_health_is_bad_when_the_database_fails(client, monkeypatch):
    def fail(now):
        raise OperationalError("no such table: incoming_email_heartbeat")

    monkeypatch.setattr(signs, "_find_processes", fail)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert checks(answer) == {"database": False, "broker": True, "disk": True}
    assert "no such table" not in answer.text


@pytest.mark.parametrize("name", [name for name in signs.SIGNS if name != "broker"])
def test_health_of_one_thing_is_asked_by_name(client, alive, name):
    heartbeats.record_heartbeat(heartbeats.WATCHER, heartbeats.SMTP_LISTENER, now=timezone.now())
    answer = client.get("/health/", {"only": name})
    assert (answer.status_code, checks(answer)) == (200, {name: True})


def test_the_former_name_of_the_listener_is_answered_by_its_name(client):
    heartbeats.record_heartbeat(heartbeats.SMTP_LISTENER, now=timezone.now())
    answer = client.get("/health/?only=door")
    assert (answer.status_code, checks(answer)) == (200, {"listener": True})


def test_what_was_not_asked_for_does_not_count(client):
    MailboxFactory(failing_since=timezone.now() - timedelta(minutes=31))
    assert client.get("/health/?only=database,broker").status_code == 200
    answer = client.get("/health/?only=database,watcher")
    assert (answer.status_code, checks(answer)) == (503, {"database": True, "watcher": False})


def test_the_broker_is_not_asked_for_nothing(client, monkeypatch):
    monkeypatch.setattr(signs, "find_broker", lambda **_: pytest.fail("it was asked"))
    assert client.get("/health/?only=database").status_code == 200


def test_what_health_does_not_know_is_told_with_what_it_knows(client):
    answer = client.get("/health/?only=database,webb")
    assert answer.status_code == 400
    known = "database, worker, incoming, fetching, outgoing, upkeep, beat, watcher, listener"
    assert f"{known}, processing, mailboxes, probes, sending, broker, disk" in answer.text


def test_health_is_cheap(client, alive, django_assert_num_queries):
    with django_assert_num_queries(5):
        client.get("/health/")


def test_the_database_is_not_asked_about_the_broker(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/health/?only=broker")
    assert (answer.status_code, checks(answer)) == (200, {"broker": True})


@pytest.mark.parametrize(("state", "good"), [("late", False), ("lost", False), ("done", True)])
def test_health_tells_whether_probes_come_round(client, alive, state, good):
    now = timezone.now()
    mailbox = MailboxFactory(name="Private", probe_minutes=5)
    probe = {"mailbox": mailbox, "created_at": now, "processed_at": now, "is_scheduled": True}
    Probe.objects.create(**probe, state=state)
    answer = client.get("/health/")
    assert answer.json()["checks"]["probes"] == {"ok": good, "failing": int(not good)}
    assert answer.status_code == (200 if good else 503)
    assert "Private" not in answer.text


@pytest.mark.parametrize(("minutes", "good"), [(29, True), (31, False)])
def test_health_tells_whether_mail_goes_out(client, alive, minutes, good):
    since = timezone.now() - timedelta(minutes=minutes)
    OutgoingAccount.objects.create(failing_since=since, last_error="550 Daily limit of ann")
    OutgoingAccount.objects.create(account="custom-email-1", failing_since=since)
    answer = client.get("/health/")
    assert answer.json()["checks"]["sending"] == {"ok": good, "waiting": 0}
    assert answer.status_code == (200 if good else 503)
    assert "limit" not in answer.text


def read(client, **headers):
    """Values by name and labels."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def scraper(client, settings):
    settings.METRICS_TOKEN = TOKEN
    return client


def test_mail_that_is_held_back_waits_for_no_stage(scraper, alive):
    now = timezone.now()
    for number, hours in enumerate((-5, 5)):
        OutgoingEmail.objects.create(
            kind="desk_note",
            effect_key=f"held-{number}",
            message_id=f"held-{number}@letterbox.localhost",
            recipient="carl@customer.example",
            created_at=now - timedelta(hours=10),
            next_attempt_at=now + timedelta(hours=hours),
        )
    told = read(scraper)
    assert told["letterbox_outgoing_emails", "pending"] == 2
    assert told["letterbox_stage_waiting", "deliver"] == 1
    assert told["letterbox_stage_oldest_seconds", "deliver"] == pytest.approx(5 * 3600, abs=60)


def test_metrics_tell_the_ledger_by_status_and_stage(scraper, alive):
    now = timezone.now()
    mailbox = MailboxFactory(name="Support", failing_since=now, last_success_at=now)
    for status in Status.values:
        ended(status, mailbox=mailbox, received_at=now - timedelta(minutes=10))
    ended(Status.PENDING, mailbox=mailbox, received_at=now - timedelta(minutes=20))
    told = read(scraper)
    assert told["letterbox_inbound_emails_received_total",] == 7
    assert told["letterbox_inbound_emails", "pending"] == 2
    assert told["letterbox_inbound_emails", "processed"] == 1
    assert told["letterbox_stage_waiting", "process"] == 2
    assert told["letterbox_stage_oldest_seconds", "process"] == pytest.approx(1200, abs=30)
    assert told["letterbox_stage_oldest_seconds", "deliver"] == 0
    assert told["letterbox_mailbox_failing", "Support"] == 1
    assert told["letterbox_heartbeat_timestamp_seconds", "worker"] == pytest.approx(
        now.timestamp(), abs=30
    )
    assert told["letterbox_inbound_email_seconds", "0.95"] == 0


def test_metrics_tell_the_budget(scraper, settings):
    settings.NOTICE_MAILBOX_LIMIT_PER_DAY = 9
    mailbox = MailboxFactory(name='A "mailbox"\\')
    now = timezone.now()
    OutgoingEmail.objects.create(
        kind="held",
        recipient="ada@example.com",
        budget=f"mailbox {mailbox.pk}",
        created_at=now,
        next_attempt_at=now,
    )
    told = read(scraper)
    assert told["letterbox_automatic_answers", 'A "mailbox"\\'] == 1
    assert told["letterbox_automatic_answers_limit",] == 9
    assert told["letterbox_outgoing_emails", "pending"] == 1


def test_metrics_cost_the_same_however_much_there_is(scraper):
    with CaptureQueriesContext(connection) as few:
        read(scraper)
    for _ in range(5):
        for status in Status.values:
            ended(status)
    with CaptureQueriesContext(connection) as many:
        read(scraper)
    assert len(many) == len(few)


def test_metrics_are_closed_until_somebody_is_named(client):
    answer = client.get("/metrics", headers={"Authorization": "Bearer "})
    assert answer.status_code == 403
    assert "METRICS_TOKEN" in answer.text
    assert client.get("/metrics").status_code == 403


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic " + TOKEN])
def test_a_wrong_token_reads_no_metrics(scraper, given):
    answer = scraper.get("/metrics", headers={"Authorization": given})
    assert answer.status_code == 403
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("192.0.2.7", 200),
        ("::ffff:192.0.2.7", 200),
        ("2001:db8::5", 200),
        ("192.0.3.7", 403),
        ("127.0.0.1", 403),
        ("", 403),
    ],
)
def test_a_named_network_reads_metrics_without_a_token(client, settings, peer, status):
    settings.METRICS_NETWORKS = ["192.0.2.0/24", "2001:db8::/32"]
    assert client.get("/metrics", REMOTE_ADDR=peer).status_code == status


def test_both_are_only_read(scraper):
    assert scraper.post("/health/").status_code == 405
    assert scraper.post("/metrics").status_code == 405


def test_a_network_that_is_none_is_found_at_the_start(settings):
    settings.METRICS_NETWORKS = ["192.0.2.0/24", "my office"]
    (error,) = check_metrics(app_configs=None)
    assert error.id == "incoming_email.E010"
    assert "METRICS_NETWORKS: 'my office'" in error.msg


def test_metrics_tell_of_probes_by_the_clock(scraper, alive):
    written = timezone.now() - timedelta(minutes=9)
    support = MailboxFactory(name="Support", probe_minutes=5)
    desk = MailboxFactory(name="Desk", probe_minutes=5)
    MailboxFactory(name="Never")
    probe = {"mailbox": support, "created_at": written, "is_scheduled": True}
    Probe.objects.create(**probe, state="done", processed_at=written + timedelta(seconds=12.5))
    Probe.objects.create(**probe | {"mailbox": desk}, state="lost")
    told = read(scraper)
    assert told["letterbox_probe_failing", "Support"] == 0
    assert told["letterbox_probe_failing", "Desk"] == 1
    assert told["letterbox_probe_seconds", "Support"] == 12.5
    assert told["letterbox_probe_timestamp_seconds", "Desk"] == pytest.approx(written.timestamp())
    assert ("letterbox_probe_seconds", "Desk") not in told
    assert ("letterbox_probe_failing", "Never") not in told
