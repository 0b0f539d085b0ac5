"""Administrators hear once of a mailbox that fails for long, and once that it works again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import InboxError
from incoming_email.models import Mailbox, WebhookAlert
from incoming_email.monitoring.alerting import failing_mailboxes
from incoming_email.monitoring.alerting.failing_mailboxes import notify_administrators
from incoming_email.pipeline import fetching
from issues.models import OutgoingEmail
from tests.doubles import FakeInbox
from tests.factories import UserFactory
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def root():
    return UserFactory(username="root", is_superuser=True)


def failing(minutes=31, **more):
    return MailboxFactory(
        name="support",
        failing_since=NOW - minutes * MINUTE,
        last_error="[AUTHENTICATIONFAILED] Bad credentials.",
        **more,
    )


def told():
    return list(OutgoingEmail.objects.order_by("pk").values_list("kind", "recipient"))


def test_administrators_are_told_once_of_a_mailbox_that_fails_for_long(root):
    mailbox = failing()
    counts = [notify_administrators(now=NOW + n * MINUTE) for n in range(3)]
    assert counts == [1, 0, 0]
    assert told() == [("mailbox_failing", root.email)]
    mail = OutgoingEmail.objects.get()
    assert "support" in mail.subject
    assert "[AUTHENTICATIONFAILED] Bad credentials." in mail.text
    assert f"/admin/incoming_email/mailbox/{mailbox.pk}/change/" in mail.text
    mailbox.refresh_from_db()
    assert mailbox.alerted_at == NOW


@pytest.mark.parametrize(
    "fields", [{"minutes": 29}, {"enabled": False}], ids=["short of the limit", "switched off"]
)
def test_nobody_is_told_of_a_mailbox_that(root, fields):
    failing(**fields)
    assert notify_administrators(now=NOW) == 0
    assert told() == []


def test_the_limit_is_a_setting(root, settings):
    settings.MAILBOX_ALERT_MINUTES = 5
    failing(minutes=6)
    assert notify_administrators(now=NOW) == 1


def test_only_active_superusers_with_an_address_are_told(root):
    UserFactory(is_staff=True)
    UserFactory(is_superuser=True, is_active=False)
    UserFactory(is_superuser=True, email="", address=False)
    failing()
    notify_administrators(now=NOW)
    assert told() == [("mailbox_failing", root.email)]


def test_each_is_told_in_their_language():
    UserFactory(is_superuser=True, language="ko")
    failing()
    notify_administrators(now=NOW)
    assert not OutgoingEmail.objects.get().subject.isascii()


def test_a_mailbox_that_works_again_is_told_once(root):
    mailbox = failing()
    notify_administrators(now=NOW)
    fetching.ingest(mailbox, FakeInbox(), holder="me", clock=lambda: NOW + MINUTE)
    counts = [notify_administrators(now=NOW + n * MINUTE) for n in (2, 3)]
    assert counts == [1, 0]
    assert [kind for kind, _ in told()] == ["mailbox_failing", "mailbox_working"]
    mailbox.refresh_from_db()
    assert mailbox.alerted_at is None


def test_each_spell_of_failure_is_told(root):
    mailbox = failing()
    notify_administrators(now=NOW)
    # It works, and fails again before anybody looked.
    Mailbox.objects.filter(pk=mailbox.pk).update(failing_since=NOW + MINUTE)
    for minutes in (2, 32, 33):
        notify_administrators(now=NOW + minutes * MINUTE)
    kinds = [kind for kind, _ in told()]
    assert kinds == ["mailbox_failing", "mailbox_working", "mailbox_failing"]


def test_a_failure_of_the_server_is_told_in_its_words(root, monkeypatch):
    mailbox = MailboxFactory()

    def refuse(*args, **kwargs):
        raise InboxError("NO [ALERT] Too many connections.", remedy="Wait a minute.")

    monkeypatch.setattr(fetching, "open_inbox", refuse)
    with pytest.raises(InboxError):
        fetching.fetch(mailbox, holder="me", clock=lambda: NOW - 40 * MINUTE)
    notify_administrators(now=NOW)
    assert "NO [ALERT] Too many connections." in OutgoingEmail.objects.get().text


def test_what_fails_to_be_told_is_told_at_the_next_beat(root, monkeypatch, settings):
    """The mail and the memory of it commit together, or neither does."""
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/"
    failing()
    with monkeypatch.context() as patch:
        patch.setattr(WebhookAlert.objects, "create", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            notify_administrators(now=NOW)
    assert (told(), WebhookAlert.objects.count()) == ([], 0)
    assert Mailbox.objects.get().alerted_at is None
    assert notify_administrators(now=NOW + MINUTE) == 1
    assert (len(told()), WebhookAlert.objects.count()) == (1, 1)


def test_of_two_workers_one_tells(root, monkeypatch):
    """The second found the mailbox before the first had told of it."""
    failing()
    stale = list(Mailbox.objects.all())
    notify_administrators(now=NOW)
    monkeypatch.setattr(failing_mailboxes, "_find_failing", lambda _now: stale)
    assert notify_administrators(now=NOW + MINUTE) == 0
    assert len(told()) == 1
