"""PostgreSQL behind something that forwards nothing on open connections: no wait is for ever."""

import threading
import time

import psycopg
import pytest
from django.db import Error, OperationalError
from django.db.utils import ConnectionHandler

from config import databases
from tests.servers.faulty_link import FaultyLink
from tests.servers.postgresql import running_server
from tests.waiting import join_all

pytestmark = [pytest.mark.services]
SILENCE_SECONDS = 0.5
LINES = "CREATE TABLE lines AS SELECT number FROM generate_series(1, 5000) number"
SOON_SECONDS = 20
"""No measure: a wait that has no end of its own takes longer."""


@pytest.fixture(scope="module")
def server():
    with running_server() as running:
        with psycopg.connect(running.url) as connection:
            connection.execute(LINES)
        yield running


@pytest.fixture
def link(server):
    with FaultyLink(server.port) as running:
        yield running


@pytest.fixture
def connect(link, monkeypatch, django_db_blocker):
    """Opens a connection by the settings of an installation with that DATABASE_URL."""
    opened = []

    def open_one(options="", silence=SILENCE_SECONDS):
        monkeypatch.setenv(
            "DATABASE_URL", f"postgres://tests@127.0.0.1:{link.port}/postgres{options}"
        )
        monkeypatch.setitem(databases.POSTGRESQL_OPTIONS, "silence_seconds", silence)
        monkeypatch.setitem(databases.POSTGRESQL_OPTIONS, "connect_timeout", 2)
        handler = ConnectionHandler(databases.read_databases())
        opened.append(handler["default"])
        # What a test lets another thread use.
        handler["default"].inc_thread_sharing()
        ask(handler["default"])
        return handler["default"]

    with django_db_blocker.unblock():
        yield open_one
        for connection in opened:
            connection.close()


def ask(connection, sql="SELECT 1"):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.fixture
def soon():
    """What the test does ends long before a wait of libpq would."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SOON_SECONDS


def test_it_is_a_fault_and_the_next_unit_of_work_has_a_new_connection(connect, link, soon):
    connection = connect()
    link.fall_silent()
    with pytest.raises(OperationalError, match="did not answer"):
        ask(connection)
    connection.close_if_unusable_or_obsolete()
    assert ask(connection) == 1


def test_a_check_before_a_unit_of_work_notices(connect, link, soon):
    """As in all programs: nobody has to see a fault."""
    connection = connect()
    link.fall_silent()
    connection.close_if_unusable_or_obsolete()
    assert ask(connection) == 1


def test_no_lock_of_a_silent_transaction_stays(connect, link, soon):
    """The server hears nothing either; without an end of its session others would wait for it."""
    connection, other = connect(), connect()

    connection.set_autocommit(False)
    ask(connection, "SELECT number FROM lines WHERE number = 1 FOR UPDATE")
    link.fall_silent()
    with pytest.raises(OperationalError):
        connection.commit()
    other.close()
    assert ask(other, "SELECT number FROM lines WHERE number = 1 FOR UPDATE NOWAIT") == 1


def test_a_rollback_does_not_wait_again(connect, link, soon):
    connection = connect(silence=2)
    connection.set_autocommit(False)
    ask(connection)
    link.fall_silent()
    with pytest.raises(OperationalError):
        ask(connection)
    begun = time.monotonic()
    with pytest.raises(Error):
        connection.rollback()
    assert time.monotonic() - begun < 1


def test_rows_that_are_read_bit_by_bit(connect, link, soon):
    connection = connect()
    cursor = connection.chunked_cursor()
    cursor.execute("SELECT number FROM lines")
    assert len(cursor.fetchmany(10)) == 10
    link.fall_silent()
    with pytest.raises(OperationalError):
        cursor.fetchmany(10)
    cursor.close()
    connection.close()
    assert ask(connection) == 1


def test_a_long_query_goes_on(connect):
    connection = connect()
    before = connection.connection
    assert ask(connection, f"SELECT 7 FROM pg_sleep({SILENCE_SECONDS * 5})") == 7
    assert connection.connection is before


def test_a_query_that_waits_for_a_lock_goes_on(connect):
    holder, connection = connect(), connect()
    holder.set_autocommit(False)
    ask(holder, "SELECT number FROM lines WHERE number = 2 FOR UPDATE")
    end = threading.Timer(SILENCE_SECONDS * 4, holder.rollback)
    end.start()
    assert ask(connection, "SELECT number FROM lines WHERE number = 2 FOR UPDATE") == 2
    join_all(end)


def test_a_long_query_whose_answer_is_lost_is_given_up_once_it_has_ended(connect, link, soon):
    connection = connect()
    silence = threading.Timer(SILENCE_SECONDS, link.fall_silent)
    silence.start()
    begun = time.monotonic()
    with pytest.raises(OperationalError):
        ask(connection, "SELECT pg_sleep(3)")
    join_all(silence)
    assert time.monotonic() - begun > 3


def send_much(connection):
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT length(%s)", [b"x" * 20_000_000])


def test_a_query_that_does_not_arrive_whole_is_given_up(connect, link, soon):
    """Then the server waits for the rest of it."""
    connection = connect()
    silence = threading.Timer(SILENCE_SECONDS, link.fall_silent)
    silence.start()
    with pytest.raises(OperationalError):
        send_much(connection)
    join_all(silence)


def test_where_no_new_connection_is_possible_it_is_a_fault_too(connect, link, soon):
    connection = connect()
    link.fall_silent()
    link.black_hole = True
    with pytest.raises(OperationalError, match="did not answer"):
        ask(connection)
    link.black_hole = False


def test_0_waits_for_ever(connect, link):
    connection = connect(silence=0)
    link.fall_silent()
    faults = []

    def wait():
        try:
            ask(connection)
        except OperationalError as fault:
            faults.append(fault)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(SILENCE_SECONDS * 6)
    assert waiting.is_alive()
    link.cut()
    join_all(waiting)
    assert len(faults) == 1


def test_it_is_postgresql_and_has_a_name_that_people_know(connect):
    connection = connect("?application_name=letters")
    assert connection.vendor == "postgresql"
    name = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    first, second = ask(connection, name), ask(connect("?application_name=letters"), name)
    assert first.endswith(" letters")
    assert first != second
