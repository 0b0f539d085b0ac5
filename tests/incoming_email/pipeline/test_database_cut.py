"""The connection is cut in the middle of a message: its row is tried again, nothing is doubled."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import Error, OperationalError, connection
from django.utils import timezone

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import acting, processing
from issues.models import Announcement, Note
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db(transaction=True)
of_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="of PostgreSQL; runs there as well"
)


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    connection.close()
    yield make_world()
    connection.close()


def cut():
    with suppress(Error), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def cut_once_after_an_effect(monkeypatch):
    """A handler acts, and then the server ends the connection; the first time only."""
    real, calls = acting.let_handler_act, []

    def run(*args):
        found = real(*args)
        calls.append(args)
        if len(calls) == 1:
            cut()
        return found

    monkeypatch.setattr(acting, "let_handler_act", run)


def replies(world, count):
    address = world.reply_address()
    for number in range(count):
        yield make_mail(to=address, sender=world.member.email, body=f"Answer {number}.")


def process_later(row):
    processing.process(row.pk, clock=lambda: timezone.now() + timedelta(hours=1))
    row.refresh_from_db()


@of_postgresql
def test_a_message_is_tried_again_by_its_row(world, monkeypatch):
    cut_once_after_an_effect(monkeypatch)

    row = world.receive(*replies(world, 1))

    # The message has no part in it, so it costs no attempt.
    assert (row.status, row.attempts, Note.objects.count()) == (Status.PENDING, 0, 0)
    assert row.last_error.startswith("OperationalError")
    process_later(row)
    assert (row.status, row.attempts, Note.objects.count()) == (Status.PROCESSED, 1, 1)
    assert Announcement.objects.filter(note=Note.objects.get()).count() == 1


@of_postgresql
def test_messages_of_a_group_are_done_one_by_one(world, monkeypatch):
    cut_once_after_an_effect(monkeypatch)

    world.receive(*replies(world, 3))

    assert set(InboundEmail.objects.values_list("status", "attempts")) == {(Status.PROCESSED, 1)}
    assert sorted(Note.objects.values_list("body", flat=True)) == [f"Answer {n}." for n in range(3)]


@of_postgresql
def test_only_the_message_that_was_cut_waits(world, monkeypatch):
    monkeypatch.setattr(acting, "_settle_together", lambda _waiting: ())
    cut_once_after_an_effect(monkeypatch)

    world.receive(*replies(world, 3))

    statuses = InboundEmail.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == [Status.PENDING, Status.PROCESSED, Status.PROCESSED]


@of_postgresql
def test_a_cut_while_the_message_is_read_costs_nothing(world, monkeypatch):
    real = processing.islice

    def read(emails, count):
        found = list(real(emails, count))
        cut()
        return found

    monkeypatch.setattr(processing, "islice", read)
    row = world.receive(*replies(world, 1))
    assert (row.status, row.attempts) == (Status.PROCESSED, 1)


def test_a_commit_whose_answer_is_lost_is_not_done_again(world, monkeypatch):
    (mail,) = replies(world, 1)
    commit, act = connection._commit, acting.let_handler_act
    acted = []

    def lose_the_answer():
        commit()
        if acted:
            raise OperationalError("server closed the connection unexpectedly")

    def act_and_note(*args):
        acted.append(args)
        return act(*args)

    monkeypatch.setattr(acting, "let_handler_act", act_and_note)
    monkeypatch.setattr(connection, "_commit", lose_the_answer)
    row = world.receive(mail)
    monkeypatch.undo()

    assert row.status == Status.PROCESSED
    process_later(row)
    assert Note.objects.count() == 1
