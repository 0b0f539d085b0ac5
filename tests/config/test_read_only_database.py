"""PostgreSQL that lets nobody write for a while, as around a failover: it is away, and no longer
than it is so."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from django.db import InternalError, connection
from django.utils import timezone

from incoming_email.inboxes.base import Answer
from incoming_email.models import InboundEmail
from incoming_email.monitoring.health import signs
from incoming_email.monitoring.health.diagnosing import diagnose
from incoming_email.outcomes import Status
from incoming_email.pipeline import acting, processing
from incoming_email.smtp import listener
from issues import connections
from tests.incoming_email.world import make_mail, make_world

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="of PostgreSQL; runs there as well"
    ),
]


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    monkeypatch.setattr(connections, "AGAIN_SECONDS", 0.01)
    connection.close()
    yield make_world()
    set_read_only("off")
    connection.close()


def set_read_only(value):
    """Of connections that are made from now on."""
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    here = {name: given[name] for name in names if name in given}
    writing = "-c default_transaction_read_only=off"
    with psycopg.connect(**here, options=writing, autocommit=True) as other:
        other.execute(
            f'ALTER DATABASE "{here["dbname"]}" SET default_transaction_read_only = {value}'
        )


def begin():
    """And we are connected by now."""
    set_read_only("on")
    connection.close()
    connection.ensure_connection()


def store(world):
    to = world.reply_address()
    (pk,) = listener.store(make_mail(to=to, sender=world.member.email), [to], "")
    return InboundEmail.objects.get(pk=pk)


def test_the_next_unit_of_work_can_write_when_it_is_over(world):
    row = store(world)
    begin()
    with pytest.raises(InternalError, match="read-only"), connections.unit_of_work():
        row.save()
    connection.ensure_connection()  # of that time, and nothing failed on it
    set_read_only("off")
    with connections.unit_of_work():
        row.save()


def test_health_and_check_say_so(world):
    now = timezone.now()
    assert signs.find_in_database(now=now)[0].is_good
    begin()
    assert not signs.find_in_database(now=now)[0].is_good
    (finding,) = [each.finding for each in diagnose(now=now) if each.finding.step == "database"]
    assert (finding.answer, finding.detail) == (Answer.NO, "the database is read-only")


def test_the_listener_says_try_later(world, monkeypatch):
    to = world.reply_address()
    begin()
    handler = listener.ListenerHandler(lmtp=False)

    def work_and_close(work, *words):
        try:
            return work(*words)
        finally:
            connection.close()  # that of the thread

    async def in_thread(*words):
        return await asyncio.to_thread(work_and_close, *words)

    monkeypatch.setattr(handler, "_in_thread", in_thread)
    taking = handler._take(b"Subject: x\r\n\r\n", [to], "")
    assert asyncio.run(taking) == listener.TRY_LATER


def test_a_message_loses_no_attempt_by_it(world, monkeypatch):
    """It began as the message was acted on, and is over again."""
    row = store(world)

    def act(*_words):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        row.save()

    monkeypatch.setattr(acting, "let_handler_act", act)
    processing.process(row.pk)
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.PENDING, 0)
    assert row.next_attempt_at < timezone.now() + timedelta(minutes=2)
    assert row.last_error.startswith("InternalError: cannot execute UPDATE in a read-only")


def test_what_was_claimed_is_due_soon_after_it_is_over(world, monkeypatch):
    row = store(world)
    waits = iter([None, None])

    def sleep(_seconds):
        if next(waits, "over") == "over":
            set_read_only("off")

    def act(*_words):
        begin()
        row.save()

    monkeypatch.setattr(connections.time, "sleep", sleep)
    monkeypatch.setattr(acting, "decide", act)
    processing.process(row.pk)
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.PENDING, 0)
