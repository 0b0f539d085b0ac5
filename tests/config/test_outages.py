"""While PostgreSQL is away or read-only the log has a sentence a minute, and no traceback."""

import io
import logging
from contextlib import suppress

import psycopg
import pytest
from django.db import Error, OperationalError
from django.db.utils import ConnectionHandler

from config import databases, outages
from tests.servers.postgresql import running_server

WRITE = "CREATE TABLE IF NOT EXISTS written (number integer)"


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(outages.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def log(monkeypatch):
    """What one process has written, by a logger and by the handler itself."""
    handler = outages.OutageHandler()
    handler.stream = io.StringIO()
    for logger in (logging.getLogger("config.outages"), logging.getLogger("a.loop")):
        monkeypatch.setattr(logger, "propagate", False)
        monkeypatch.setattr(logger, "handlers", [handler])
    return handler.stream


def lines(log):
    found = log.getvalue().splitlines()
    log.seek(0)
    log.truncate()
    return found


@pytest.fixture
def loop(monkeypatch, django_db_blocker):
    """One round of a loop that writes to the database of that server, and logs its faults."""

    def make(server):
        monkeypatch.setenv("DATABASE_URL", server.url)
        connection = ConnectionHandler(databases.read_databases())["default"]
        opened.append(connection)

        def once():
            connection.close_if_unusable_or_obsolete()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(WRITE)
            except Error:
                logging.getLogger("a.loop").exception("round failed")

        return once

    opened = []
    with django_db_blocker.unblock():
        yield make
        for connection in opened:
            connection.close()


def set_read_only(server, word):
    writable = "-c default_transaction_read_only=off"
    with psycopg.connect(server.url, autocommit=True, options=writable) as connection:
        connection.execute(f"ALTER DATABASE postgres SET default_transaction_read_only = {word}")


@pytest.mark.services
def test_a_server_that_is_stopped(log, loop, clock):
    with running_server() as server:
        once = loop(server)
        once()
        server.stop()
        for _ in range(4):
            once()
        (begun,) = lines(log)
        assert begun.startswith("the database is away, all that needs it is tried again: ")
        clock[0] += 61
        once()
        (goes_on,) = lines(log)
        assert goes_on.startswith("the database is still away after=61 s entries_left_out=3: ")
        server.start()
        once()
        once()
        assert lines(log) == ["the database is back after=61 s entries_left_out=3"]


@pytest.mark.services
def test_a_server_that_is_read_only(log, loop, clock):
    with running_server() as server:
        set_read_only(server, "on")
        once = loop(server)
        for _ in range(3):
            once()
        assert lines(log) == [
            "the database is away, all that needs it is tried again: it is read-only"
        ]
        set_read_only(server, "off")
        once()
        assert lines(log) == ["the database is back after=0 s entries_left_out=2"]


def fail_with(fault, cause):
    with suppress(type(fault)):
        try:
            raise fault from cause
        except type(fault):
            logging.getLogger("a.loop").exception("round failed")
            raise


def test_one_that_goes_away_again_and_again_is_told_of_once_a_minute(log, clock):
    handler = logging.getLogger("a.loop").handlers[0]  # pytest adds one of its own
    for _ in range(3):
        fail_with(OperationalError("gone"), psycopg.OperationalError("gone"))
        handler._note_connection(connection=type("", (), {"is_usable": lambda _self: True})())
        clock[0] += 10
    assert [line.partition(",")[0].partition(" after")[0] for line in lines(log)] == [
        *("the database is away", "the database is back"),
    ]


@pytest.mark.parametrize(
    "cause",
    [psycopg.errors.QueryCanceled("statement timeout"), None, ValueError("not of PostgreSQL")],
)
def test_a_fault_of_a_statement_keeps_its_traceback(log, cause):
    fail_with(OperationalError("canceling statement due to statement timeout"), cause)
    assert "Traceback (most recent call last):" in lines(log)
