"""By the clock: who is due, once, and administrators hear once of each spell."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email import tasks
from incoming_email.models import Mailbox, Probe, WebhookAlert
from incoming_email.monitoring import probes
from incoming_email.monitoring.alerting import failing_probes
from incoming_email.monitoring.probes import sending
from issues.models import OutgoingEmail
from tests.factories import UserFactory
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def by_smtp(settings):
    """Nothing is sent in these tests; it only must look as if it could be."""
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
    settings.PROBE_MINUTES, settings.PROBE_SLOW_SECONDS, settings.PROBE_WAIT_MINUTES = 5, 300, 60


def count() -> tuple[int, int]:
    """Rows of probes, and their mails."""
    return Probe.objects.count(), OutgoingEmail.objects.filter(kind="probe").count()


def test_each_enabled_mailbox_is_probed_at_its_interval():
    MailboxFactory(name="by the setting")
    MailboxFactory(name="by its own", probe_minutes=10)
    MailboxFactory(name="never", probe_minutes=0)
    MailboxFactory(name="off", enabled=False)
    sent = [probes.send_due(now=NOW + n * MINUTE) for n in (0, 1, 5, 6, 10)]
    assert sent == [2, 0, 1, 0, 2]
    assert count() == (5, 5)
    assert set(Probe.objects.values_list("is_scheduled", flat=True)) == {True}


def test_a_time_that_a_clock_which_was_ahead_has_set_does_not_count():
    MailboxFactory()
    hours = timedelta(hours=24)
    assert [probes.send_due(now=at) for at in (NOW + hours, NOW, NOW + MINUTE)] == [1, 1, 0]


def test_the_default_is_never(settings):
    settings.PROBE_MINUTES = 0
    MailboxFactory()
    assert probes.send_due(now=NOW) == 0


def test_where_mail_is_kept_none_is_written(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    MailboxFactory()
    tasks.probe()
    assert count() == (0, 0)


def test_of_two_workers_one_sends():
    """The second read the mailbox before the first had sent."""
    stale = MailboxFactory()
    assert probes.send_due(now=NOW) == 1
    assert sending._send_by_the_clock(stale, now=NOW) is False
    assert count() == (1, 1)


def test_a_probe_and_its_mail_and_the_next_time_commit_together(monkeypatch):
    mailbox = MailboxFactory()
    with monkeypatch.context() as patch:
        patch.setattr(sending.outbox, "enqueue", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            probes.send_due(now=NOW)
    mailbox.refresh_from_db()
    assert (count(), mailbox.next_probe_at) == ((0, 0), None)
    assert probes.send_due(now=NOW) == 1


# Alerts


@pytest.fixture
def root():
    return UserFactory(username="root", is_superuser=True)


@pytest.fixture
def mailbox():
    return MailboxFactory(name="support", probe_minutes=5)


def probed(mailbox: Mailbox, state: str, minutes: int = 0, **more: object) -> Probe:
    written = NOW + minutes * MINUTE
    ended = {"processed_at": written + MINUTE} if state in {"done", "slow"} else {}
    given = {"mailbox": mailbox, "created_at": written, "state": state, "is_scheduled": True}
    return Probe.objects.create(**(given | ended | more))


def told() -> list[str]:
    kinds = OutgoingEmail.objects.order_by("pk").values_list("kind", flat=True)
    return [kind for kind in kinds if kind != "probe"]


def tell(minutes: int = 0) -> int:
    return failing_probes.notify_administrators(now=NOW + minutes * MINUTE)


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ("slow", {}, "the last probe took 60 seconds for its way round"),
        ("late", {"stopped_in": "sending"}, "the mail is still waiting to be sent"),
        ("lost", {"stopped_in": "reading", "fault": "No route."}, "was sent: No route."),
    ],
)
def test_administrators_are_told_once_a_spell(root, mailbox, settings, state, more, words):
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/"
    probed(mailbox, state, **more)
    probed(mailbox, state, 5, **more)
    assert [tell(6), tell(7)] == [1, 0]
    mail = OutgoingEmail.objects.get()
    assert (mail.kind, mail.recipient) == ("probe_failing", root.email)
    assert words in mail.text
    assert f"/admin/incoming_email/mailbox/{mailbox.pk}/change/" in mail.text
    alert = WebhookAlert.objects.get()
    assert (alert.event, words in alert.error) == ("probe_failing", True)

    probed(mailbox, "done", 10)
    assert [tell(11), tell(12)] == [1, 0]
    probed(mailbox, state, 15, **more)
    assert tell(16) == 1
    assert told() == ["probe_failing", "probe_working", "probe_failing"]


@pytest.mark.parametrize("state", ["waiting", "done"])
def test_nobody_is_told_of_one_that_is(root, mailbox, state):
    probed(mailbox, state)
    assert (tell(1), told()) == (0, [])


def test_nobody_is_told_of_what_a_person_asked_for(root, mailbox):
    probed(mailbox, "lost", is_scheduled=False)
    assert (tell(1), told()) == (0, [])


def test_one_that_is_still_under_way_says_nothing_new(root, mailbox):
    probed(mailbox, "late")
    tell(1)
    probed(mailbox, "waiting", 5)
    assert (tell(6), told()) == (0, ["probe_failing"])


def test_where_probing_is_switched_off_the_spell_is_over_in_silence(root, mailbox):
    probed(mailbox, "lost")
    tell(1)
    Mailbox.objects.update(probe_minutes=0)
    assert tell(2) == 0
    mailbox.refresh_from_db()
    assert (mailbox.probe_alerted_at, told()) == (None, ["probe_failing"])


def test_the_beat_tells(root, mailbox):
    probed(mailbox, "lost")
    tasks.alert()
    tasks.alert()
    assert told() == ["probe_failing"]


def test_of_two_workers_one_tells(root, mailbox, monkeypatch):
    probed(mailbox, "lost")
    stale = probes.find_newest()
    assert tell(1) == 1
    monkeypatch.setattr(probes, "find_newest", lambda: stale)
    assert tell(2) == 0
    assert told() == ["probe_failing"]
