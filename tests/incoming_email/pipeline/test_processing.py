"""From a ledger row to its effect: one transaction, tried again after a fault."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import deciding, processing, receiving, reviewing
from incoming_email.pipeline.isolation import reading
from incoming_email.pipeline.isolation.process import ParserPool
from issues import services
from issues.models import Note, OutgoingEmail, Upload
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.pipeline.isolation.conftest import HOSTILE
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def ended(row):
    return row.status, row.reason


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"no header line at all\r\n"])
def test_what_is_no_message_is_kept_and_turned_down(world, content):
    row = world.receive(content)
    assert ended(row) == (Status.REJECTED, Reason.NOT_A_MESSAGE)
    assert bytes(row.raw) == content


def test_a_message_that_is_too_large_is_recorded(world):
    header = make_mail(to=world.reply_address(), sender=world.member.email, body="")
    (row,) = receiving.store(
        world.mailbox,
        [RawMessage("1:1", header, oversize=True)],
        now=timezone.now(),
        claimed=True,
    )
    processing.process_claimed([row], clock=timezone.now)
    row.refresh_from_db()
    assert ended(row) == (Status.REJECTED, Reason.TOO_LARGE)


@pytest.fixture
def breaking(monkeypatch):
    """A parser that dies of a message whose text is `die`."""
    pool = ParserPool(HOSTILE)
    monkeypatch.setattr(reading, "_pool", pool)
    yield
    pool.close()


def test_a_message_that_breaks_the_parser_is_kept_and_its_sender_is_told(world, breaking):
    content = make_mail(to=world.reply_address(), sender=world.member.email, body="die")
    row = world.receive(content)
    assert ended(row) == (Status.REJECTED, Reason.TOO_COMPLEX)
    assert (row.sender, row.subject) == (world.member.email, "Re: it")
    assert row.message_id.endswith("@example.com")
    why = "the parser broke down at it twice"
    assert row.defects == ["the message was not read", why]
    assert {"step": "reading", "result": "ended", "because": why} in row.trace
    assert bytes(row.raw) == content
    notice = OutgoingEmail.objects.get(recipient=world.member.email)
    assert "too much time or memory to read. Send it again as plain text" in notice.text


def test_the_others_of_its_batch_are_acted_on_and_it_can_be_processed_again(
    world, breaking, monkeypatch
):
    address, sender = world.reply_address(), world.member.email
    world.receive(
        *(make_mail(to=address, sender=sender, body=body) for body in ("one", "die", "two"))
    )
    assert sorted(Note.objects.values_list("body", flat=True)) == ["one", "two"]
    row = InboundEmail.objects.get(status=Status.REJECTED)
    monkeypatch.undo()
    now = timezone.now()
    assert reviewing.requeue([row.pk], now=now) == [row.pk]
    processing.process(row.pk, clock=lambda: now)
    row.refresh_from_db()
    assert (row.status, row.defects, row.note.body) == (Status.PROCESSED, [], "die")


@pytest.mark.django_db(transaction=True)
def test_the_groups_of_a_batch_are_all_acted_on_and_the_parser_is_put_back(
    world, breaking, monkeypatch
):
    monkeypatch.setattr(processing, "GROUP", 2)
    address, sender = world.reply_address(), world.member.email
    bodies = ("one", "two", "die", "three", "four", "five")
    world.receive(*(make_mail(to=address, sender=sender, body=body) for body in bodies))
    notes = set(Note.objects.values_list("body", flat=True))
    assert notes == {"one", "two", "three", "four", "five"}
    with reading._pool.borrow(messages_per_child=1000) as child:
        assert (child.owed, child.served) == (0, 4)  # the header of `die`, and what came after


def test_an_automatic_mail_that_breaks_the_parser_is_ignored_in_silence(world, breaking):
    row = world.receive(
        make_mail(
            to=world.reply_address(),
            sender=world.member.email,
            body="die",
            Auto_Submitted="auto-replied",
        )
    )
    assert ended(row) == (Status.IGNORED, Reason.AUTOMATIC)
    assert not OutgoingEmail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_files_of_a_refused_mail_are_not_kept(world, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    address = world.reply_address()
    world.member.memberships.all().delete()
    world.issue.project.visibility = "private"
    world.issue.project.save()
    row = world.receive(make_mail_with_file(to=address, sender=world.member.email))
    assert row.status == Status.REJECTED
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def crash(**_):
    raise RuntimeError("a bug")


@pytest.mark.django_db(transaction=True)
def test_a_fault_leaves_no_half_work_and_stops_nobody_else(world, monkeypatch):
    real = services.create_note

    def fail_on_poison(**fields):
        note = real(**fields)
        if fields["body"] == "poison":
            crash()
        return note

    monkeypatch.setattr(services, "create_note", fail_on_poison)
    address, sender = world.reply_address(), world.member.email
    world.receive(
        *(make_mail(to=address, sender=sender, body=body) for body in ("one", "poison", "two"))
    )
    assert sorted(Note.objects.values_list("body", flat=True)) == ["one", "two"]
    row = InboundEmail.objects.get(status=Status.PENDING)
    assert (row.attempts, row.last_error) == (1, "RuntimeError: a bug")


@pytest.mark.django_db(transaction=True)
def test_a_message_that_always_fails_runs_out_of_attempts(world, monkeypatch, settings):
    settings.PROCESSING_LEASE_SECONDS = 0
    monkeypatch.setattr(services, "create_note", crash)
    row = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    while processing.process(row.pk):
        pass
    assert processing.give_up_exhausted(now=timezone.now()) == 1
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.FAILED, 5)


def test_a_claimed_row_is_not_claimed_again(world):
    row = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    InboundEmail.objects.filter(pk=row.pk).update(
        status=Status.PENDING, finished_at=None, handler="", outcome="", effect_key=None
    )
    assert processing.process(row.pk) is False
    assert processing.due_ids(now=timezone.now()) == []


@pytest.mark.django_db(transaction=True)
def test_nothing_is_stored_inside_somebodys_transaction(world):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        world.receive(make_mail(to=world.reply_address(), sender=world.member.email))


def test_trying_out_leaves_no_trace(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    message = RawMessage(
        "x", make_mail_with_file(to=world.reply_address(), sender=world.member.email)
    )
    row = receiving.new_row(world.mailbox, message, now=timezone.now(), claimed=True)
    end = processing.try_out(row, now=timezone.now())
    assert (end.status, end.handler, end.note_id) == (Status.PROCESSED, "note", None)
    assert (row.pk, Note.objects.count(), Upload.objects.count()) == (None, 0, 0)
    assert (InboundEmail.objects.count(), list(tmp_path.iterdir())) == (0, [])


def test_the_lease_outlasts_a_task():
    assert settings.PROCESSING_LEASE_SECONDS > settings.CELERY_TASK_TIME_LIMIT


def files_under(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.django_db(transaction=True)
def test_files_of_a_failed_attempt_are_removed_and_the_next_one_keeps_them(
    world, tmp_path, monkeypatch, settings
):
    settings.MEDIA_ROOT, settings.PROCESSING_LEASE_SECONDS = tmp_path, 0
    real = services.create_note

    def fail_at_the_end(**fields):
        real(**fields)
        assert len(files_under(tmp_path)) == 1
        crash()

    monkeypatch.setattr(services, "create_note", fail_at_the_end)
    mail = make_mail_with_file(to=world.reply_address(), sender=world.member.email)
    row = world.receive(mail)
    assert (row.status, row.last_error) == (Status.PENDING, "RuntimeError: a bug")
    assert (Note.objects.count(), Upload.objects.count(), files_under(tmp_path)) == (0, 0, [])
    monkeypatch.setattr(services, "create_note", real)
    assert processing.process(row.pk)
    assert [path.read_bytes() for path in files_under(tmp_path)] == [b"hello"]


def test_a_line_of_junk_before_the_header_is_passed_over(world):
    mail = make_mail(to=world.reply_address(), sender=world.member.email)
    row = world.receive(b"no header field here\r\n" + mail)
    assert ended(row) == (Status.PROCESSED, "")
    assert row.defects == ["a line before the header that is no field"]


def test_only_what_is_overdue_is_swept(world):
    mail = make_mail(to=world.reply_address(), sender=world.member.email)
    now = timezone.now()
    (row,) = receiving.store(world.mailbox, [RawMessage("1:1", mail)], now=now, claimed=False)
    assert processing.due_ids(now=now + timedelta(seconds=59)) == []
    assert processing.due_ids(now=now + timedelta(seconds=60)) == [row.pk]


@pytest.mark.django_db(transaction=True)
def test_a_conflict_before_the_decision_is_a_fault_and_no_duplicate(world, monkeypatch):
    world.receive(make_mail(to="x@example.org", sender="y@example.org"))  # a row without effect

    def conflict(*_args, **_kwargs):
        raise IntegrityError("another constraint")

    monkeypatch.setattr(deciding, "_find_target", conflict)
    row = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    assert (row.status, row.last_error) == (Status.PENDING, "IntegrityError: another constraint")
