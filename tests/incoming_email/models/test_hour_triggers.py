"""The triggers that note changed hours: installed late, taken back, lost with a table."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction

from incoming_email.models import ChangedHour, InboundEmail, hour_triggers
from incoming_email.outcomes import Status
from tests.incoming_email.admin.ledger_rows import ended

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2024, 5, 10, 13, 20, tzinfo=UTC)
HOUR = NOW.replace(minute=0)


def find_changed():
    found = set(ChangedHour.objects.values_list("hour", flat=True))
    ChangedHour.objects.all().delete()
    return found


def test_rows_of_an_earlier_version_are_changed_hours_after_the_migration():
    with connection.schema_editor() as editor:
        hour_triggers.remove(editor.connection)
    try:
        for hours in (0, 0, 5, 9000):
            ended(Status.PROCESSED, received_at=NOW - timedelta(hours=hours))
        assert find_changed() == set()
    finally:
        with connection.schema_editor() as editor:
            hour_triggers.install(editor.connection)
    assert find_changed() == {HOUR - timedelta(hours=hours) for hours in (0, 5, 9000)}


def test_a_change_that_no_sum_is_made_from_is_none():
    row = ended(Status.PENDING, received_at=NOW)
    assert find_changed() == {HOUR}
    assert InboundEmail.objects.claim(row.pk, now=NOW)
    InboundEmail.objects.update(subject="other", trace=[])
    assert find_changed() == set()


def test_an_hour_is_that_of_utc_whatever_the_session_and_however_the_row_is_written():
    late = NOW.replace(minute=59, second=59, microsecond=999_999)
    row = ended(Status.PENDING, received_at=late)
    table = "incoming_email_inboundemail"
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL TIME ZONE 'Asia/Kolkata'")
            cursor.execute("SET LOCAL search_path TO pg_catalog")
            table = f"public.{table}"
        cursor.execute(f"UPDATE {table} SET status = 'failed', finished_at = received_at")
    assert find_changed() == {HOUR}
    row.delete()
    assert find_changed() == {HOUR}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL changes a table in place")
def test_a_table_that_a_migration_writes_anew_gets_its_triggers_back():
    ended(Status.PROCESSED, received_at=NOW)
    with connection.schema_editor() as editor:
        editor._remake_table(InboundEmail)
    find_changed()
    ended(Status.PROCESSED, received_at=NOW - timedelta(hours=3))
    assert find_changed() == set(), "the triggers went with the table"
    emit_post_migrate_signal(0, False, "default")
    assert find_changed() == {HOUR, HOUR - timedelta(hours=3)}
    ended(Status.PROCESSED, received_at=NOW - timedelta(hours=4))
    assert find_changed() == {HOUR - timedelta(hours=4)}
