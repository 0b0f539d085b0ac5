"""What the worker does with announcements and rows."""

from datetime import timedelta

import pytest
from celery import current_app
from django.core import mail
from django.db import DatabaseError
from django.utils import timezone

from issues import services, tasks
from issues.models import Announcement, OutgoingEmail
from tests.factories import IssueFactory, UserFactory
from tests.issues.outgoing import enqueue, say

pytestmark = pytest.mark.django_db


def test_a_note_becomes_mail_that_is_sent():
    issue = IssueFactory()
    say(issue)

    tasks.deliver_outgoing_email()

    assert [message.to for message in mail.outbox] == [[issue.author.email]]
    assert OutgoingEmail.objects.get().state == "sent"


def test_everything_due_goes_in_one_run(monkeypatch):
    monkeypatch.setattr("issues.outbox.delivering.BATCH", 2)
    for n in range(5):
        enqueue(n=n)

    tasks.sweep_outgoing_email()

    assert len(mail.outbox) == 5


def test_a_run_that_has_more_goes_on_in_a_new_task(monkeypatch, settings):
    settings.TASK_BUDGET_SECONDS = 0
    sent = []
    monkeypatch.setattr("issues.outbox.delivering.BATCH", 2)
    monkeypatch.setattr(tasks.deliver_outgoing_email, "apply_async", lambda **o: sent.append(o))
    monkeypatch.setattr(tasks, "fan_out_owed", lambda **_options: 1)

    tasks.sweep_outgoing_email()

    assert sent == [{"expires": tasks.EXPIRES_SECONDS}]


def test_a_fault_in_an_announcement_keeps_no_ready_mail_waiting(monkeypatch):
    enqueue()

    def fail(**_options):
        raise DatabaseError("broken")

    monkeypatch.setattr(tasks, "fan_out_owed", fail)

    with pytest.raises(DatabaseError, match="broken"):
        tasks.deliver_outgoing_email()

    assert len(mail.outbox) == 1


def test_an_issue_of_a_silent_person_needs_no_second_round():
    services.create_issue(project=IssueFactory().project, author=UserFactory(), title="t")

    tasks.deliver_outgoing_email()

    assert not Announcement.objects.filter(fanned_out_at=None).exists()
    assert mail.outbox == []


def test_the_names_are_those_of_the_schedule_and_of_the_kick():
    scheduled = {entry["task"] for entry in current_app.conf.beat_schedule.values()}

    assert tasks.sweep_outgoing_email.name in scheduled
    assert tasks.deliver_outgoing_email.name == "issues.deliver_outgoing_email"


def test_what_was_written_by_a_clock_that_was_set_back_waits_for_no_day():
    tomorrow = timezone.now() + timedelta(days=1)
    for n in range(3):
        enqueue(n=n)
    soon, held = OutgoingEmail.objects.order_by("pk")[:2]
    OutgoingEmail.objects.filter(pk=soon.pk).update(created_at=tomorrow, next_attempt_at=tomorrow)
    OutgoingEmail.objects.filter(pk=held.pk).update(next_attempt_at=tomorrow)

    tasks.sweep_outgoing_email()
    states = OutgoingEmail.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["sent", "pending", "sent"]
