"""The webhook hears of an alert at least once, and its address stays secret."""

import logging
import tracemalloc
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from incoming_email import tasks
from incoming_email.inboxes.https import HttpsClient
from incoming_email.models import Mailbox, WebhookAlert
from incoming_email.monitoring.alerting import webhook as webhooks
from incoming_email.monitoring.alerting.webhook import post_owed
from issues.models import OutgoingEmail
from tests.incoming_email.factories import MailboxFactory
from tests.servers.talking import talking
from tests.servers.webhook import running_webhook

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def webhook(settings):
    with running_webhook() as webhook:
        settings.ALERT_WEBHOOK_URL = webhook.url
        yield webhook


def owe(**more):
    mailbox = MailboxFactory(name="support")
    given = {"event": "mailbox_failing", "since": NOW, "error": "No route.", "next_attempt_at": NOW}
    return WebhookAlert.objects.create(mailbox=mailbox, **given | more)


def post(minutes=0):
    return post_owed(clock=lambda: NOW + minutes * MINUTE)


def test_the_beat_posts_what_happened(webhook):
    mailbox = MailboxFactory(
        name="support", failing_since=timezone.now() - 31 * MINUTE, last_error="No route."
    )
    tasks.alert()
    tasks.alert()
    Mailbox.objects.update(failing_since=None, last_error="", last_success_at=timezone.now())
    tasks.alert()
    first, second = webhook.bodies
    assert (first["event"], first["mailbox"], first["error"]) == (
        "mailbox_failing",
        "support",
        "No route.",
    )
    assert first["since"] == mailbox.failing_since.isoformat()
    assert first["url"].endswith(f"/admin/incoming_email/mailbox/{mailbox.pk}/change/")
    assert (second["event"], second["error"]) == ("mailbox_working", "")
    assert OutgoingEmail.objects.count() == 0


def test_what_it_refuses_is_posted_again_after_a_pause(webhook):
    alert = owe()
    webhook.answers = [500, 302]
    taken = [post(minutes) for minutes in (0, 0.5, 1, 2, 3, 4)]
    assert taken == [0, 0, 0, 0, 1, 0]
    assert [body["id"] for body in webhook.bodies] == [alert.pk] * 3
    alert.refresh_from_db()
    assert (alert.attempts, alert.posted_at, alert.last_error) == (3, NOW + 3 * MINUTE, "")


def test_it_is_tried_for_ever_at_least_once_an_hour(webhook):
    owe(attempts=5000, next_attempt_at=NOW)
    webhook.answers = [503]
    assert [post(0), post(59), post(60)] == [0, 0, 1]


def test_a_webhook_that_is_away_costs_one_attempt_and_no_secret_in_the_log(settings, caplog):
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/hook?token=s3cret"
    alert = owe()
    with caplog.at_level(logging.INFO, "incoming_email"):
        assert post() == 0
    alert.refresh_from_db()
    assert (alert.attempts, alert.last_error, alert.posted_at) == (1, "ConnectError", None)
    assert "ConnectError" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("url", ["not a url", "ftp://127.0.0.1/", "http://[::1"])
def test_a_senseless_address_stops_nothing(settings, url):
    settings.ALERT_WEBHOOK_URL = url
    owe()
    assert post() == 0


def test_nothing_is_posted_where_none_is_set(webhook, settings):
    settings.ALERT_WEBHOOK_URL = ""
    owe()
    assert post() == 0
    assert webhook.bodies == []


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_it_is_posted(webhook, monkeypatch):
    seen = []
    real = HttpsClient.ask

    def look(*args, **kwargs):
        seen.append(transaction.get_connection().in_atomic_block)
        return real(*args, **kwargs)

    monkeypatch.setattr(HttpsClient, "ask", look)
    owe()
    assert post() == 1
    assert seen == [False]


def test_killed_after_the_post_it_is_posted_again_with_the_same_id(webhook, monkeypatch):
    owe()
    with monkeypatch.context() as patch:
        real = HttpsClient.ask

        def die(*args, **kwargs):
            real(*args, **kwargs)
            raise KeyboardInterrupt

        patch.setattr(HttpsClient, "ask", die)
        with pytest.raises(KeyboardInterrupt):
            post()
    assert post(1) == 1
    assert len({body["id"] for body in webhook.bodies}) == 1
    assert len(webhook.bodies) == 2


def test_of_an_answer_that_never_ends_only_the_status_is_read(settings):
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    owe()
    tracemalloc.start()
    try:
        with talking(head, flood_bytes=3_000_000_000) as port:
            settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{port}/hook"
            assert post() == 1
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_webhook_that_drips_is_given_up(settings, monkeypatch, said):
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.3)
    alert = owe()
    with talking(said, drip_seconds=0.02) as port:
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{port}/hook"
        assert post() == 0
    alert.refresh_from_db()
    assert alert.last_error in {"ReadTimeout", "RemoteProtocolError"}
