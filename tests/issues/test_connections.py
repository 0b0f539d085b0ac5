"""Connections between units of work: checked before use, and never taken from a transaction."""

import pytest
from django.db import Error, InterfaceError, OperationalError, connection, transaction

from issues import connections
from tests.factories import UserFactory

CUT = "SELECT pg_terminate_backend(pg_backend_pid())"
of_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="of PostgreSQL; runs there as well"
)


def ask(sql="SELECT 1"):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.fixture
def kept(monkeypatch, transactional_db):
    """The connection is kept as long as an installation keeps it; the test settings close it."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    connection.close()
    yield
    connection.close()


@pytest.fixture
def cut(kept):
    """A connection that was used before, and that the server has ended."""
    assert ask() == 1
    with pytest.raises(Error):
        ask(CUT)
    with pytest.raises(Error):
        ask()


@of_postgresql
def test_a_query_that_takes_too_long_ends(kept):
    with pytest.raises(OperationalError), connections.limited_queries(0.2):
        ask("SELECT pg_sleep(60)")
    assert ask("SHOW statement_timeout") == "0"


@of_postgresql
def test_a_unit_of_work_begins_with_a_connection_that_works(cut):
    with connections.unit_of_work():
        assert ask() == 1


@of_postgresql
def test_a_connection_that_is_cut_unnoticed_is_not_used(kept):
    """Nothing was asked since, so nothing failed: only asking tells."""
    with connections.unit_of_work():
        pid = ask("SELECT pg_backend_pid()")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    other.close()
    with connections.unit_of_work():
        assert ask("SELECT pg_backend_pid()") != pid


@of_postgresql
def test_a_unit_that_fails_leaves_no_broken_connection(kept):
    with pytest.raises(Error), connections.unit_of_work():
        ask(CUT)
    assert ask() == 1


@of_postgresql
def test_a_loop_goes_on(kept, caplog):
    for sql in (CUT, "SELECT 1"):
        with connections.surviving_faults("ask"):
            ask(sql)
    assert "not done for a fault of the database work=ask" in caplog.text
    assert ask() == 1


def test_a_connection_that_works_is_kept(kept):
    with connections.unit_of_work():
        ask()
    before = connection.connection
    with connections.unit_of_work():
        ask()
    assert before is not None
    assert connection.connection is before


@pytest.mark.django_db(transaction=True)
def test_a_transaction_keeps_its_connection():
    with transaction.atomic():
        user = UserFactory()
        with connections.unit_of_work():
            user.refresh_from_db()
    user.refresh_from_db()


@pytest.mark.django_db  # another test may have left the connection open
def test_faults_of_other_kinds_end_a_loop():
    with pytest.raises(LookupError), connections.surviving_faults("ask"):
        raise LookupError


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [OperationalError, InterfaceError])
def test_what_must_be_written_down_waits_for_the_database(monkeypatch, fault):
    monkeypatch.setattr(connections, "AGAIN_SECONDS", 0.01)
    faults = [fault("gone"), fault("gone")]

    def write():
        if faults:
            raise faults.pop()
        return "written"

    assert connections.retry_while_away(write) == "written"


@pytest.mark.django_db  # another test may have left the connection open
def test_it_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(connections, "AGAIN_SECONDS", 0.01)

    def write():
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        connections.retry_while_away(write, seconds=0.05)
