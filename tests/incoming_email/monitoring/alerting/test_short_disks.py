"""A disk that is nearly full: administrators hear of it once, and once of its end."""

import datetime as dt

import pytest

from incoming_email import tasks
from incoming_email.models import DiskShortage
from incoming_email.monitoring.alerting import short_disks, webhook
from issues.models import OutgoingEmail
from tests.factories import UserFactory
from tests.incoming_email.factories import MailboxFactory
from tests.servers.webhook import running_webhook

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
MOST = 10**18
"""More bytes than any disk of ours has."""


@pytest.fixture
def root():
    return UserFactory(is_superuser=True, is_staff=True)


@pytest.fixture
def run(settings):
    """Which of these minutes told something, while the disk is short or not."""

    def run(minutes, *, short):
        settings.CHECK_DISK_MIN_BYTES = MOST if short else 0
        told = []
        for minute in minutes:
            before = OutgoingEmail.objects.count()
            short_disks.notify_administrators(now=NOW + minute * MINUTE)
            told += [minute] * (OutgoingEmail.objects.count() - before)
        return told

    return run


def test_a_shortage_and_its_end_are_told_once(root, run, settings):
    assert run(range(3), short=False) == []
    assert run(range(3, 60), short=True) == [3]
    assert run(range(60, 65), short=False) == []
    assert run([65], short=True) == []  # it was not over yet
    assert run(range(66, 99), short=False) == [75]
    assert run([100], short=True) == [100]
    shortage, end, again = OutgoingEmail.objects.order_by("pk")
    assert (shortage.kind, again.kind) == ("disk_nearly_full", "disk_nearly_full")
    assert (end.kind, end.recipient) == ("disk_has_space", root.email)
    assert f"MB are free on the disk of {settings.DATA_DIR}" in shortage.text
    assert f"{settings.BASE_URL}/admin/" in shortage.text


def test_a_shortage_that_a_wrong_clock_saw_is_over_when_there_is_space(root, run):
    run([60 * 24], short=True)
    assert run([0], short=False) == [0]
    assert DiskShortage.objects.count() == 0


def test_the_webhook_is_told(root, run, settings):
    with running_webhook() as hook:
        settings.ALERT_WEBHOOK_URL = hook.url
        run([0], short=True)
        run([20], short=False)
        assert webhook.post_owed(clock=lambda: NOW + 31 * MINUTE) == 2
    assert [body["event"] for body in hook.bodies] == ["disk_nearly_full", "disk_has_space"]
    assert "MB are free on the disk of" in hook.bodies[0]["error"]
    assert {body["url"] for body in hook.bodies} == {f"{settings.BASE_URL}/admin/"}


def test_of_two_workers_one_tells(root, run, monkeypatch):
    run([0], short=True)
    stale = DiskShortage.objects.get()
    run([20], short=False)
    monkeypatch.setattr(DiskShortage.objects, "first", lambda: stale)
    assert run([21], short=False) == []


def test_mailboxes_that_stand_still_by_it_are_not_told_one_by_one(root, settings):
    settings.CHECK_DISK_MIN_BYTES = MOST
    MailboxFactory(failing_since=NOW)
    tasks.alert()
    assert [mail.kind for mail in OutgoingEmail.objects.all()] == ["disk_nearly_full"]
