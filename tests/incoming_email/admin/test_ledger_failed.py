"""All that failed before this version: counted, previewed without effect, handed to the worker."""

import pytest
from celery.exceptions import OperationalError
from django.contrib.admin.models import LogEntry

from incoming_email.admin import ledger_failed
from incoming_email.handlers.note import NoteHandler
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.tasks import retry_failed
from issues import broker
from issues.models import Note
from tests.admin_site import incoming_url
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db
PAGE = incoming_url("inboundemail", "failed")
LIST = incoming_url("inboundemail", "changelist")


@pytest.fixture
def world():
    return make_world()


def fail(world, **fields):
    mail = make_mail(to=world.reply_address(), sender=world.member.email)
    return ended(Status.FAILED, mailbox=world.mailbox, raw=mail, version="0.0.9", **fields)


def test_it_is_counted_and_nothing_is_tried(reviewer, world):
    fail(world)
    page = reviewer.get(PAGE)
    assert "1 message was given up by another version" in page.text
    assert "Tried:" not in page.text
    assert PAGE in reviewer.get(LIST).text


def test_what_would_differ_is_shown_for_each_and_not_done(reviewer, world, monkeypatch):
    good, bad = fail(world), fail(world, recipient="worse@example.com")
    handle = NoteHandler.handle

    def break_down_at_one(self, email, target, context):
        if any(each.address == "worse@example.com" for each in email.candidates):
            raise ValueError("still bad")
        return handle(self, email, target, context)

    monkeypatch.setattr(NoteHandler, "handle", break_down_at_one)
    page = reviewer.post(PAGE, {"preview": "yes"})
    told = {
        each.row.pk: {d.label: (d.before, d.after) for d in each.differences}
        for each in page.context["failed"].previewed
    }
    assert told[good.pk]["Status"] == ("failed", "processed")
    assert told[good.pk]["Last error"] == ("ValueError: too bad", "")
    assert "Status" not in told[bad.pk]
    assert told[bad.pk]["Last error"] == ("ValueError: too bad", "ValueError: still bad")
    assert "Tried: 2 of 2." in page.text
    assert set(InboundEmail.objects.values_list("status", flat=True)) == {Status.FAILED}
    assert Note.objects.count() == 0


def test_the_preview_ends_in_time_and_at_its_limit(world, monkeypatch):
    for _ in range(3):
        fail(world)
    now = InboundEmail.objects.first().received_at
    assert len(ledger_failed.describe_failed(now=now, seconds=0).previewed) == 1
    monkeypatch.setattr(ledger_failed, "MAX_PREVIEWED", 2)
    assert len(ledger_failed.describe_failed(now=now).previewed) == 2


def test_all_are_handed_to_the_worker_and_it_is_recorded(reviewer, world, monkeypatch):
    asked = []
    monkeypatch.setattr(broker, "hand_over", asked.append)
    fail(world)
    page = reviewer.post(PAGE, {"again": "yes"}, follow=True)
    assert "The worker processes 1 message again." in page.text
    assert asked == [retry_failed.name]
    assert LogEntry.objects.get().change_message.endswith("is processed again: 1.")


def test_a_broker_that_is_down_is_told(reviewer, world, monkeypatch):
    def refuse(_name):
        raise OperationalError("connection refused")

    monkeypatch.setattr(broker, "hand_over", refuse)
    row = fail(world)
    page = reviewer.post(PAGE, {"again": "yes"}, follow=True)
    assert "The broker does not answer, so nothing was started." in page.text
    assert not LogEntry.objects.exists()
    row.refresh_from_db()
    assert row.status == Status.FAILED


def test_who_may_only_look_can_start_nothing(operator, world):
    fail(world)
    assert operator.get(PAGE).status_code == 403
    assert operator.post(PAGE, {"again": "yes"}).status_code == 403
    assert PAGE not in operator.get(LIST).text


def test_the_ledger_is_filtered_by_version(operator, world, settings):
    settings.LETTERBOX_VERSION = "2"
    old, new = fail(world), ended(Status.FAILED, version="2")
    unknown = ended(Status.FAILED)

    def found(query):
        return set(operator.get(f"{LIST}?{query}").context["cl"].result_list)

    assert found("version=this") == {new}
    assert found("version=other") == {old, unknown}
    assert found("version=nonsense") == {old, new, unknown}
    assert "0.0.9" in operator.get(incoming_url("inboundemail", "change", old.pk)).text


def test_what_would_differ_in_a_row_that_fails_again_is_an_answer(reviewer, world, monkeypatch):
    def break_down(*_):
        raise ValueError("still bad")

    monkeypatch.setattr(NoteHandler, "handle", break_down)
    page = reviewer.post(incoming_url("inboundemail", "preview", fail(world).pk))
    assert page.status_code == 200
    assert "ValueError: still bad" in page.text
