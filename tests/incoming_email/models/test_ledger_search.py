"""Search in the ledger: with its index, without one, and while it lags behind."""

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django.db import ProgrammingError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email import tasks
from incoming_email.models import InboundEmail, ledger_search
from incoming_email.models.ledger_search import enter_noted, search
from incoming_email.outcomes import Status
from issues.stopping import Budget
from tests.depth import DEPTH
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import MailboxFactory

IS_SQLITE = connection.vendor == "sqlite"
WORDS = st.text("aB%_문의é'\" ", min_size=1, max_size=6)


def find(term):
    return set(search(InboundEmail.objects.all(), term).values_list("pk", flat=True))


def receive(**fields):
    return ended(Status.PROCESSED, **fields)


@pytest.mark.django_db
def test_it_looks_in_all_that_names_a_message():
    rows = [
        receive(sender="Ada.Lovelace@mail.example.com", subject="The door squeaks"),
        receive(
            sender="bob@example.org", subject="문의드립니다: 100% sure", recipient="x+1@shop.test"
        ),
        receive(message_id="abc-123@host", long_message_id="abc-123@host" + "x" * 300 + "end"),
    ]
    ada, bob, long = (row.pk for row in rows)
    for _is_indexed in (False, True):
        assert find("lovelace") == find("ADA squeaks") == find("MAIL.ex") == {ada}
        assert find("문의드") == find("100%") == find("X+1@shop.test") == {bob}
        assert find("xxxend") == find("abc-123") == find(str(long)) - {ada, bob} == {long}
        assert find('"door squeaks"') == {ada}
        assert find("door example.org") == find("a_a") == find("x+1@shop") == set()
        assert find("ex") == {ada, bob}, "shorter than a piece"
        assert find("") == {ada, bob, long}
        tasks.sum_and_index()


@pytest.mark.django_db
def test_a_word_that_many_rows_have_is_found_in_the_rows(monkeypatch):
    rows = {receive(sender=f"person{n}@example.com").pk for n in range(4)}
    enter_noted()
    monkeypatch.setattr(ledger_search, "COMMON_ROWS", 3)
    assert find("example.com") == rows
    query = str(search(InboundEmail.objects.all(), "example.com").query)
    assert f"FROM {ledger_search.INDEX}" not in query
    assert len(find("person2@")) == 1


@pytest.mark.django_db
@settings(max_examples=40 * DEPTH)
@given(
    st.lists(st.tuples(st.sampled_from(("come", "change", "go", "enter")), st.integers(0), WORDS)),
    st.lists(WORDS, min_size=1, max_size=4),
)
def test_it_finds_what_a_look_at_each_row_finds(history, terms):
    with transaction.atomic():
        mailbox = MailboxFactory()
        for step, place, words in history:
            rows = InboundEmail.objects.order_by("pk")
            pk = rows.values_list("pk", flat=True)[place % rows.count()] if rows else None
            if step == "come":
                receive(mailbox=mailbox, subject=words, sender="")
            elif step == "change":
                rows.filter(pk=pk).update(subject=words)
            elif step == "go":
                rows.filter(pk=pk).delete()
            else:
                enter_noted(budget=Budget.of(0))
        for term in terms:
            word = term.replace('"', "").replace("'", "").strip()
            quoted = f'"{word}"' if " " in word else word
            subjects = InboundEmail.objects.values_list("pk", "subject")
            assert find(quoted) == {pk for pk, words in subjects if _has(words, word)}
        transaction.set_rollback(True)


def _has(words, word):
    """SQLite knows upper and lower case of ASCII only."""
    fold = str.lower if not IS_SQLITE else lambda text: text.encode().lower().decode()
    return fold(word) in fold(f"{words} ")


@pytest.mark.django_db
def test_it_uses_its_index():
    for n in range(20):
        receive(sender=f"person{n}@example.com")
    enter_noted()
    query, params = (
        search(InboundEmail.objects.all(), "person7@").values("pk").query.sql_with_params()
    )
    with connection.cursor() as cursor:
        if IS_SQLITE:
            cursor.execute(f"EXPLAIN QUERY PLAN {query}", params)
            assert "VIRTUAL TABLE INDEX 0:L" in str(cursor.fetchall())
        else:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {query}", params)
            assert "Bitmap Index Scan on incoming_email_search" in str(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_without_an_index_rows_are_read_and_it_is_made_by_the_next_migrate(caplog):
    row = receive(sender="ada@example.com")
    with connection.schema_editor() as editor:
        ledger_search.remove(editor.connection)

    def refuse(execute, sql, *rest):
        if sql.startswith(("CREATE EXTENSION", "CREATE VIRTUAL")):
            raise ProgrammingError("permission denied")
        return execute(sql, *rest)

    try:
        with connection.execute_wrapper(refuse):
            ledger_search.install(using="default")
        assert "search in the ledger has no index" in caplog.text
        assert find("ada@example") == {row.pk}
        assert enter_noted() == 0
    finally:
        ledger_search.install(using="default")
    assert find("ada@example") == {row.pk}
    enter_noted()
    assert find("ada@example") == {row.pk}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not IS_SQLITE, reason="PostgreSQL changes a table in place")
def test_a_table_that_a_migration_writes_anew_is_indexed_again():
    row = receive(sender="ada@example.com")
    enter_noted()
    with connection.schema_editor() as editor:
        editor._remake_table(InboundEmail)
    InboundEmail.objects.update(sender="bob@example.com")
    emit_post_migrate_signal(0, False, "default")
    assert find("bob@") == {row.pk}
    assert enter_noted() == 1
    assert find("bob@") == {row.pk}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(IS_SQLITE, reason="only PostgreSQL makes an index while others write")
def test_an_index_whose_making_was_killed_is_made_again():
    with connection.cursor() as cursor:
        invalid = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)"
        cursor.execute(invalid, [ledger_search.INDEX])
    ledger_search.install(using="default")
    with connection.cursor() as cursor:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
        cursor.execute(valid, [ledger_search.INDEX])
        assert cursor.fetchone() == (True,)
