"""Which Letterbox this is, and that rows say which one looked at them last."""

import re

import pytest
from django.utils import timezone

from incoming_email import tasks, versions
from incoming_email.handlers.note import NoteHandler
from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing, receiving, reviewing
from incoming_email.versions import find_version
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import InboundEmailFactory, MailboxFactory
from tests.incoming_email.world import make_mail, make_world


def test_the_version_is_that_of_the_release_and_the_code():
    release, _plus, digest = find_version().partition("+")
    assert release == versions.RELEASE
    assert len(digest) == 8
    assert find_version() == find_version()


def test_the_environment_can_name_it(settings):
    settings.LETTERBOX_VERSION = "2026.11"
    assert find_version() == "2026.11"


def test_no_name_is_too_long_for_the_ledger(settings):
    settings.LETTERBOX_VERSION = "v" * 41
    assert find_version() == "v" * 40


def test_a_file_that_can_not_be_read_stops_nothing(monkeypatch, tmp_path):
    (tmp_path / "issues").mkdir()
    (tmp_path / "issues" / "models.py").write_text("")
    (tmp_path / "issues" / ".#models.py").symlink_to("ada@desk.1234:5678")  # as Emacs locks it
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    assert re.fullmatch(r"0\.1\.0\+[0-9a-f]{8}", versions._read_code.__wrapped__())


@pytest.mark.django_db
def test_a_row_says_which_version_made_the_last_attempt(settings):
    settings.LETTERBOX_VERSION = "1"
    mailbox, now = MailboxFactory(), timezone.now()
    taken, waiting = (
        receiving.store(mailbox, [RawMessage(f"{n}", b"x")], now=now, claimed=claimed)[0]
        for n, claimed in enumerate((True, False))
    )
    assert (taken.version, waiting.version) == ("1", None)
    settings.LETTERBOX_VERSION = "2"
    processing.process(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.version == "2"


@pytest.mark.django_db
def test_what_another_version_gave_up_is_found(settings):
    settings.LETTERBOX_VERSION = "2"
    old, unknown = ended(Status.FAILED, version="1"), ended(Status.FAILED)
    ended(Status.FAILED, version="2")
    ended(Status.REJECTED, version="1")
    ended(Status.FAILED, version="1", raw_purged_at=timezone.now())
    found = InboundEmail.objects.failed_before(find_version()).order_by("pk")
    assert list(found) == [old, unknown]


@pytest.mark.django_db
def test_it_comes_back_in_batches(monkeypatch):
    monkeypatch.setattr(reviewing, "BATCH", 2)
    rows = [ended(Status.FAILED, version="1").pk for _ in range(5)]
    batches = list(reviewing.requeue_failed(version="2", now=timezone.now()))
    assert batches == [rows[:2], rows[2:4], rows[4:]]
    assert set(InboundEmail.objects.values_list("status", flat=True)) == {Status.PENDING}


@pytest.mark.django_db(transaction=True)
def test_the_worker_processes_it_again_and_what_fails_again_is_left_alone(monkeypatch):
    world = make_world()
    mail = make_mail(to=world.reply_address(), sender=world.member.email)
    good = ended(Status.FAILED, mailbox=world.mailbox, raw=mail, version="1")
    tasks.retry_failed()
    good.refresh_from_db()
    assert (good.status, good.version) == (Status.PROCESSED, find_version())

    def break_down(*_):
        raise ValueError("too bad")

    monkeypatch.setattr(NoteHandler, "handle", break_down)
    mail = make_mail(to=world.reply_address(), sender=world.member.email)
    bad = ended(Status.FAILED, mailbox=world.mailbox, raw=mail, version="1")
    tasks.retry_failed()
    tasks.retry_failed()
    bad.refresh_from_db()
    assert (bad.status, bad.attempts, bad.version) == (Status.PENDING, 1, find_version())
    assert "too bad" in bad.last_error


@pytest.mark.django_db(transaction=True)
def test_a_worker_of_the_old_version_leaves_it_alone(settings):
    settings.LETTERBOX_VERSION = "1"
    row = ended(Status.FAILED, version="1")
    InboundEmailFactory()
    tasks.retry_failed()
    row.refresh_from_db()
    assert row.status == Status.FAILED
