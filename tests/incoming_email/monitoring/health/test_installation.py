"""What our own rows say: processes alive, work that piles up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.models import InboxMethod, heartbeats
from incoming_email.monitoring.health import installation
from incoming_email.outcomes import Reason, Status
from issues import notifications, services
from issues.models import Announcement, OutgoingEmail, OutgoingState
from issues.notifications import fanning_out
from tests.factories import IssueFactory
from tests.incoming_email.beating import record_all_workers
from tests.incoming_email.factories import InboundEmailFactory, MailboxFactory

YES, NO, WARN, SKIPPED = Answer.YES, Answer.NO, Answer.WARN, Answer.SKIPPED
NOW = timezone.now()
pytestmark = pytest.mark.django_db


def find_process(step: str, *enabled) -> Finding:
    findings = installation.find_processes(enabled, now=NOW)
    return {finding.step: finding for finding in findings}[step]


def find_rows(step: str) -> Finding:
    return {finding.step: finding for finding in installation.find_ledger(now=NOW)}[step]


def make_outgoing(**changes: object) -> OutgoingEmail:
    number = OutgoingEmail.objects.count()
    values = {
        "kind": "notification",
        "effect_key": f"effect {number}",
        "message_id": f"mail-{number}@letterbox.localhost",
        "recipient": "ada@example.com",
        "next_attempt_at": changes.get("created_at", NOW),
        "created_at": NOW,
    }
    return OutgoingEmail.objects.create(**(values | changes))


def test_mailboxes():
    assert installation.find_mailboxes([]).answer is NO
    two = MailboxFactory.create_batch(2)
    assert installation.find_mailboxes(two) == Finding("mailboxes", YES, "2 are enabled")


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_worker_and_beat(name):
    assert find_process(name).detail == "it was never seen alive"
    assert find_process(name).remedy.startswith(f"Start it: celery -A config {name}.")
    record_all_workers(now=NOW - timedelta(minutes=3))
    assert find_process(name) == Finding(name, YES)
    record_all_workers(now=NOW - timedelta(minutes=3, seconds=1))
    assert find_process(name).answer is NO
    assert find_process(name).detail == "it was last seen alive 3 minutes ago"


def test_a_queue_that_no_worker_serves():
    record_all_workers(now=NOW, queues=("incoming", "fetching"))
    finding = find_process("worker")
    assert (finding.answer, finding.detail) == (NO, "no worker takes tasks from: outgoing, upkeep")
    assert finding.remedy == "Start one for them: celery -A config worker -Q outgoing,upkeep"


def test_watcher_matters_only_with_imap():
    smtp = MailboxFactory(inbox_method=InboxMethod.SMTP)
    imap = MailboxFactory()
    assert find_process("watcher").answer is SKIPPED
    assert find_process("watcher", smtp).answer is SKIPPED
    assert find_process("watcher", smtp, imap).answer is WARN
    heartbeats.record_heartbeat("watcher", now=NOW)
    assert find_process("watcher", smtp, imap).answer is YES


def test_oldest_pending(settings):
    settings.CHECK_PENDING_MINUTES = 15
    InboundEmailFactory(received_at=NOW - timedelta(minutes=14))
    InboundEmailFactory(
        received_at=NOW - timedelta(hours=5),
        status=Status.IGNORED,
        reason=Reason.BOUNCE,
        finished_at=NOW,
    )
    assert find_rows("oldest pending") == Finding("oldest pending", YES)
    due = NOW + timedelta(minutes=4)
    row = InboundEmailFactory(
        received_at=NOW - timedelta(minutes=16), attempts=2, next_attempt_at=due
    )
    finding = find_rows("oldest pending")
    assert finding.answer is WARN
    assert finding.detail == (
        f"inbound email {row.pk} was received 16 minutes ago and is not processed yet; attempts: 2"
    )


def test_what_no_worker_tries(settings):
    settings.CHECK_PENDING_MINUTES = 15
    due = NOW - timedelta(minutes=16)
    InboundEmailFactory(received_at=NOW - timedelta(hours=5), next_attempt_at=due)
    finding = find_rows("oldest pending")
    assert finding.answer is NO
    assert finding.detail == "1 message is due, and no worker could process it for 16 minutes"
    assert finding.remedy.startswith("See whether the worker and beat run and what the worker's")
    # One whose attempts are used up is ended by the same sweep.
    older = InboundEmailFactory(
        received_at=NOW - timedelta(hours=5),
        next_attempt_at=NOW - timedelta(hours=1),
        attempts=5,
        last_error="ValueError: no such key: 12345",
    )
    assert find_rows("oldest pending").detail == (
        "2 messages are due, and no worker could process them for 1 hour;"
        f" the last error of inbound email {older.pk} is ValueError"
    )


def test_failed_rows():
    assert find_rows("failed rows") == Finding("failed rows", YES)
    InboundEmailFactory.create_batch(2, status=Status.FAILED, finished_at=NOW)
    assert find_rows("failed rows").answer is WARN
    assert find_rows("failed rows").detail.endswith("failed after all attempts: 2")


def test_held_rows():
    assert find_rows("held rows") == Finding("held rows", YES)
    InboundEmailFactory.create_batch(3, status=Status.HELD, reason=Reason.SENDER_MISMATCH)
    assert find_rows("held rows").answer is WARN
    assert find_rows("held rows").detail == "inbound emails held for review: 3"


def test_mail_that_is_held_back_is_late_only_past_its_time(settings):
    settings.CHECK_PENDING_MINUTES = 15
    written = NOW - timedelta(hours=20)
    row = make_outgoing(created_at=written, next_attempt_at=NOW + timedelta(hours=4))
    assert installation.find_unsent(now=NOW) == Finding("unsent mail", YES)
    later = NOW + timedelta(hours=4, minutes=14)
    assert installation.find_unsent(now=later) == Finding("unsent mail", YES)
    late = NOW + timedelta(hours=6)
    assert installation.find_unsent(now=late).detail == "the oldest has been waiting for 2 hours"
    assert row.is_held


def test_unsent_mail(settings):
    settings.CHECK_PENDING_MINUTES = 15
    make_outgoing(created_at=NOW - timedelta(minutes=14))
    make_outgoing(created_at=NOW - timedelta(days=1), state=OutgoingState.SENT, sent_at=NOW)
    assert installation.find_unsent(now=NOW) == Finding("unsent mail", YES)
    make_outgoing(created_at=NOW - timedelta(hours=2))
    assert installation.find_unsent(now=NOW).answer is WARN
    assert installation.find_unsent(now=NOW).detail == "the oldest has been waiting for 2 hours"
    make_outgoing(state=OutgoingState.FAILED)
    assert installation.find_unsent(now=NOW).answer is WARN
    assert installation.find_unsent(now=NOW).detail == "outgoing emails that failed for good: 1"


def test_notifications_that_can_not_be_written_are_unsent_mail(settings, monkeypatch):
    settings.CHECK_PENDING_MINUTES = 15
    note = services.create_note(item=IssueFactory(), author=None, body="x", external_author="a@b.c")

    def fail(_story):
        raise ValueError("can't be rendered")

    monkeypatch.setattr(fanning_out, "render_story", fail)
    with pytest.raises(ValueError, match="rendered"):
        notifications.fan_out_owed(now=NOW)
    Announcement.objects.filter(note=note).update(created_at=NOW - timedelta(minutes=14))
    assert installation.find_unsent(now=NOW) == Finding("unsent mail", YES)
    Announcement.objects.filter(note=note).update(created_at=NOW - timedelta(hours=2))
    finding = installation.find_unsent(now=NOW)
    assert finding.answer is WARN
    assert finding.detail == (
        "the notifications of 1 event are not written; the oldest event was 2 hours ago"
    )

    monkeypatch.undo()
    notifications.fan_out_owed(now=NOW)
    assert installation.find_unsent(now=NOW) == Finding("unsent mail", YES)
