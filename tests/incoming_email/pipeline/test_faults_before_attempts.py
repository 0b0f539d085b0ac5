"""What keeps every attempt from being made is seen: in the row, the log, the check and /health/."""

import logging
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from incoming_email import tasks
from incoming_email.handlers.note import NoteHandler
from incoming_email.inboxes.base import Answer, RawMessage
from incoming_email.models import InboundEmail, ledger
from incoming_email.monitoring.health import installation
from incoming_email.pipeline import processing, receiving
from incoming_email.pipeline.isolation import reading
from incoming_email.pipeline.isolation.process import NoParserError, ParserPool
from issues.models import Note
from tests.incoming_email.beating import record_all_workers
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(minutes=20)


@pytest.fixture
def world():
    return make_world()


def store(world, *bodies, claimed=False):
    """Rows of replies, due since long."""
    mails = [
        make_mail(to=world.reply_address(), sender=world.member.email, body=body) for body in bodies
    ]
    now = timezone.now() - LATER
    messages = [RawMessage(f"1:{n}", mail) for n, mail in enumerate(mails)]
    return receiving.store(world.mailbox, messages, now=now, claimed=claimed)


def notes():
    return sorted(Note.objects.values_list("body", flat=True))


def errors():
    return list(InboundEmail.objects.order_by("pk").values_list("attempts", "last_error"))


def break_versions(monkeypatch):
    """As an installation without a file that the claim needs."""

    def fail():
        raise FileNotFoundError(2, "No such file or directory", "pyproject.toml")

    monkeypatch.setattr(ledger, "find_version", fail)


def break_look_up(monkeypatch, *, of):
    """In the look-ups for messages with this text."""
    real = processing.look_up

    def fail(emails, template):
        if any(of in email.text for email in emails):
            raise ValueError("no such key")
        return real(emails, template)

    monkeypatch.setattr(processing, "look_up", fail)


def test_a_fault_at_the_claim_is_stored_in_the_row(world, monkeypatch):
    (row,) = store(world, "one")
    break_versions(monkeypatch)
    with pytest.raises(FileNotFoundError):
        processing.process(row.pk)
    said = "FileNotFoundError: [Errno 2] No such file or directory: 'pyproject.toml'"
    assert errors() == [(0, said)]


def test_a_fault_in_the_look_ups_of_a_batch_is_stored_in_the_row_that_it_is_of(world, monkeypatch):
    monkeypatch.setattr(processing, "GROUP", 2)
    rows = store(world, "one", "two", "bad", "three", claimed=True)
    break_look_up(monkeypatch, of="bad")
    assert processing.process_claimed(rows, clock=timezone.now) == 1
    assert notes() == ["one", "three", "two"]
    assert errors() == [(1, ""), (1, ""), (1, "ValueError: no such key"), (1, "")]


def test_a_row_that_had_its_attempt_keeps_its_own_fault(world, monkeypatch):
    monkeypatch.setattr(processing, "GROUP", 1)
    rows = store(world, "one", "bad", claimed=True)
    break_look_up(monkeypatch, of="bad")

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(NoteHandler, "handle", fail)
    assert processing.process_claimed(rows, clock=timezone.now) == 1
    assert errors() == [(1, "RuntimeError: a bug"), (1, "ValueError: no such key")]


def test_a_parser_that_does_not_start_is_stored_in_the_rows_and_costs_no_attempt(
    world, monkeypatch
):
    (row,) = store(world, "one")

    def fail(*_, **__):
        raise NoParserError("the parser does not start: it ended with 1")

    monkeypatch.setattr(processing, "parse_all", fail)
    before = timezone.now()
    assert processing.process(row.pk)
    assert errors() == [(0, "NoParserError: the parser does not start: it ended with 1")]
    row.refresh_from_db()
    assert before < row.next_attempt_at < before + timedelta(minutes=2)


@pytest.mark.parametrize(
    "words", ["a\0b", "a\udc80b", "é" * 2000], ids=["NUL", "lone surrogate", "long"]
)
def test_whatever_the_words_of_a_fault_are_they_are_kept(world, monkeypatch, caplog, words):
    caplog.set_level(
        logging.CRITICAL, "incoming_email"
    )  # pytest-xdist can't send a lone surrogate in a report
    (row,) = store(world, "one")

    def fail(*_):
        raise ValueError(words)

    monkeypatch.setattr(NoteHandler, "handle", fail)
    assert processing.process(row.pk)
    ((_, said),) = errors()
    assert said.startswith("ValueError: ")
    assert len(said) <= 1000


def test_the_first_fault_is_told_where_the_row_can_not_be_written(world, monkeypatch):
    (row,) = store(world, "one")

    def fail(*_, **__):
        raise OperationalError("the connection is closed")

    break_versions(monkeypatch)
    monkeypatch.setattr(QuerySet, "update", fail)
    with pytest.raises(FileNotFoundError):
        processing.process(row.pk)


def test_a_row_that_no_attempt_can_be_made_at_does_not_end_the_sweep(world, monkeypatch, caplog):
    store(world, "one", "bad", "two", "bad as well", "three")
    break_look_up(monkeypatch, of="bad")
    tasks.sweep_inbound_email()
    assert notes() == ["one", "three", "two"]
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info[0] for record in told] == [ValueError, ValueError]


def test_a_fault_that_meets_every_message_costs_few_of_them_an_attempt(world, monkeypatch, caplog):
    store(world, *["bad"] * 6)
    break_look_up(monkeypatch, of="bad")
    tasks.sweep_inbound_email()
    assert [attempts for attempts, _ in errors()] == [1, 1, 1, 0, 0, 0]
    assert "wait for the next sweep" in caplog.text
    monkeypatch.undo()
    tasks.sweep_inbound_email()
    assert notes() == ["bad"] * 3


def test_the_check_answers_whatever_keeps_messages_from_their_attempts(world, monkeypatch):
    store(world, "one", "two")
    break_versions(monkeypatch)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("check_incoming_email", "--fetch", "-v", "2", stdout=out, stderr=out)
    assert (
        "  oldest pending … no\n"
        "      2 messages are due, and no worker could process them for 20 minutes;"
        " the last error of inbound email 1 is FileNotFoundError\n"
    ).replace("email 1", f"email {InboundEmail.objects.first().pk}") in out.getvalue()


def test_health_fails_where_a_worker_lives_and_processes_nothing(client, world, monkeypatch):
    store(world, "one", "two")
    record_all_workers(now=timezone.now())
    break_versions(monkeypatch)
    tasks.sweep_inbound_email()
    answer = client.get("/health/?only=worker,processing")
    assert answer.status_code == 503
    assert answer.json()["checks"]["worker"]["ok"] is True
    assert answer.json()["checks"]["processing"] == {"ok": False, "overdue": 2}
    monkeypatch.undo()
    tasks.sweep_inbound_email()
    answer = client.get("/health/?only=worker,processing")
    assert answer.status_code == 200
    assert answer.json()["checks"]["processing"] == {"ok": True, "overdue": 0}


def test_health_and_check_fail_where_every_sweep_meets_a_parser_that_does_not_start(
    client, world, monkeypatch
):
    """Each fault puts the next attempt off by a minute, so the rows are never due for long."""
    pool = ParserPool("tests.incoming_email.pipeline.isolation.there_is_none")
    monkeypatch.setattr(reading, "_pool", pool)
    store(world, "one", "two")
    tasks.heartbeat()
    tasks.sweep_inbound_email()
    assert InboundEmail.objects.filter(attempts=0, next_attempt_at__gt=timezone.now()).count() == 2
    answer = client.get("/health/?only=worker,processing")
    assert answer.status_code == 503
    assert answer.json()["checks"]["processing"] == {"ok": False, "overdue": 2}
    (finding, *_rest) = installation.find_ledger(now=timezone.now())
    assert finding.answer is Answer.NO
    assert "2 messages are due, and no worker could process them for 20 minutes" in finding.detail
    assert "is NoParserError" in finding.detail

    monkeypatch.undo()
    InboundEmail.objects.update(next_attempt_at=timezone.now() - LATER)
    tasks.sweep_inbound_email()
    assert notes() == ["one", "two"]
    assert client.get("/health/?only=processing").status_code == 200


def test_a_first_fault_of_the_installation_is_not_overdue_at_once(client, world, monkeypatch):
    (row,) = store(world, "one")
    InboundEmail.objects.filter(pk=row.pk).update(received_at=timezone.now())
    monkeypatch.setattr(
        reading, "_pool", ParserPool("tests.incoming_email.pipeline.isolation.there_is_none")
    )
    tasks.sweep_inbound_email()
    assert errors()[0][0] == 0
    answer = client.get("/health/?only=processing")
    assert answer.json()["checks"]["processing"] == {"ok": True, "overdue": 0}


@pytest.mark.parametrize("minutes", [-60, 10])
def test_what_waits_on_purpose_or_since_shortly_is_not_overdue(client, world, minutes):
    (row,) = store(world, "one")
    due = timezone.now() - timedelta(minutes=minutes)
    InboundEmail.objects.filter(pk=row.pk).update(next_attempt_at=due)
    answer = client.get("/health/?only=processing")
    assert answer.json()["checks"]["processing"] == {"ok": True, "overdue": 0}


def test_a_sweep_has_time_to_come_however_short_the_patience_is(client, world, settings):
    settings.CHECK_PENDING_MINUTES = 0
    (row,) = store(world, "one")
    for minutes, is_good in ((2, True), (4, False)):
        due = timezone.now() - timedelta(minutes=minutes)
        InboundEmail.objects.filter(pk=row.pk).update(next_attempt_at=due)
        answer = client.get("/health/?only=processing")
        assert answer.json()["checks"]["processing"]["ok"] is is_good
