"""The outgoing server that takes no mail: administrators hear of it once, and of its end."""

import datetime as dt

import pytest

from incoming_email.models import WebhookAlert
from incoming_email.monitoring.alerting import failing_sending, webhook
from issues.models import OutgoingAccount, OutgoingEmail
from issues.outbox import failing
from issues.outbox.failing import Fault
from tests.factories import UserFactory
from tests.servers.webhook import running_webhook

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
WORDS = "MAIL FROM: 550 5.4.5 Daily user sending limit exceeded"


@pytest.fixture
def root():
    return UserFactory(is_superuser=True, is_staff=True)


def fail(*, now, account=""):
    failing.record_fault(account, Fault(WORDS, is_refused=True), now=now)


def run(minutes):
    """Which of these minutes told something."""
    return [n for n in minutes if failing_sending.notify_administrators(now=NOW + n * MINUTE)]


def told():
    return list(OutgoingEmail.objects.order_by("pk").values_list("kind", "recipient"))


def test_a_failure_and_its_end_are_told_once(root):
    fail(now=NOW)
    assert run(range(0, 60, 5)) == [30]
    (mail,) = OutgoingEmail.objects.all()
    assert (mail.subject, WORDS in mail.text) == ("No mail goes out", True)
    assert "/admin/issues/outgoingemail/" in mail.text
    failing.record_success("", now=NOW + 61 * MINUTE)
    assert run(range(62, 70)) == [62]
    assert told() == [("sending_failing", root.email), ("sending_working", root.email)]
    fail(now=NOW + 100 * MINUTE)
    assert run(range(100, 140, 5)) == [130]


def test_a_short_failure_is_told_to_nobody(root):
    fail(now=NOW)
    assert run([29]) == []
    failing.record_success("", now=NOW + 29 * MINUTE)
    assert run([30, 90]) == []


def test_a_server_of_a_project_is_its_maintainers_business(root):
    fail(now=NOW, account="custom-email-1")
    assert run([31]) == []


def test_the_webhook_is_told_at_once(root, settings):
    with running_webhook() as hook:
        settings.ALERT_WEBHOOK_URL = hook.url
        fail(now=NOW)
        run([31])
        assert webhook.post_owed(clock=lambda: NOW + 31 * MINUTE) == 1
    (body,) = hook.bodies
    assert (body["event"], body["mailbox"], body["error"]) == ("sending_failing", "", WORDS)
    assert body["url"].endswith("/admin/issues/outgoingemail/")


def test_of_two_workers_one_tells(root, monkeypatch):
    fail(now=NOW)
    stale = OutgoingAccount.objects.get()
    run([31])
    monkeypatch.setattr(OutgoingAccount.objects, "filter", Stale(stale))
    assert run([32]) == []
    assert WebhookAlert.objects.count() == 0


class Stale:
    """The first look finds the row as it was."""

    def __init__(self, row):
        self.row = row
        self.ask = OutgoingAccount.objects.get_queryset().filter

    def __call__(self, **wanted):
        return self if "pk" not in wanted else self.ask(**wanted)

    def first(self):
        return self.row
