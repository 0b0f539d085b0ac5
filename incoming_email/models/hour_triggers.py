"""Triggers of the ledger that note which hours have changed, whoever writes and by which version.

Migrations use this module: a change of the statements needs a new migration that installs them.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

LEDGER, CHANGED = "incoming_email_inboundemail", "incoming_email_changedhour"
NAME = "incoming_email_changed_hour"

COUNTED = ("status", "received_at", "finished_at", "mailbox_id")
"""Columns that the sums are made from."""


def install(connection: BaseDatabaseWrapper) -> None:
    """Call it in a transaction. Counts as changed every hour that has a message by now: on
    PostgreSQL the triggers' lock lets nobody write in between, on SQLite one alone writes."""
    hour = _hour_of(connection.vendor, "received_at")
    with connection.cursor() as cursor:
        is_postgresql = connection.vendor == "postgresql"
        for statement in _create_on_postgresql() if is_postgresql else _create_on_sqlite():
            cursor.execute(statement)
        cursor.execute(f"INSERT INTO {CHANGED} (hour) SELECT DISTINCT {hour} FROM {LEDGER}")  # noqa: S608


def remove(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP TRIGGER {NAME} ON {LEDGER}")
            cursor.execute(f"DROP FUNCTION {NAME}()")
        else:
            for event in _SQLITE_EVENTS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {NAME}_{event}")


def install_again(*, using: str, **_: Any) -> None:
    """After each `migrate`: SQLite changes most columns by a new table, which has no triggers."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')")
        names = {name for (name,) in cursor.fetchall()}
    if CHANGED in names and not {f"{NAME}_{event}" for event in _SQLITE_EVENTS} <= names:
        with transaction.atomic(using=using):
            install(connection)


def _hour_of(vendor: str, column: str) -> str:
    if vendor == "postgresql":
        return f"date_trunc('hour', {column}, 'UTC')"
    return f"SUBSTR({column}, 1, 13) || ':00:00'"


_SQLITE_EVENTS = {
    "inserted": ("INSERT", ("NEW",)),
    "updated": (f"UPDATE OF {', '.join(COUNTED)}", ("OLD", "NEW")),
    "deleted": ("DELETE", ("OLD",)),
}


def _create_on_postgresql() -> Iterator[str]:
    old, new = (_hour_of("postgresql", f"{row}.received_at") for row in ("OLD", "NEW"))
    both = [f"({', '.join(f'{row}.{name}' for name in COUNTED)})" for row in ("OLD", "NEW")]
    # A session may have another search path, such as that of a restore.
    yield f"""
        CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $$ BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO {CHANGED} (hour) VALUES ({new});
            ELSIF TG_OP = 'DELETE' THEN
                INSERT INTO {CHANGED} (hour) VALUES ({old});
            ELSIF {both[0]} IS DISTINCT FROM {both[1]} THEN
                INSERT INTO {CHANGED} (hour) SELECT {old} UNION SELECT {new};
            END IF;
            RETURN NULL;
        END $$"""  # noqa: S608
    yield f"""
        CREATE TRIGGER {NAME} AFTER INSERT OR DELETE OR UPDATE OF {", ".join(COUNTED)}
        ON {LEDGER} FOR EACH ROW EXECUTE FUNCTION {NAME}()"""


def _create_on_sqlite() -> Iterator[str]:
    """One alone writes to SQLite, so an hour need not be noted twice."""
    for name, (event, rows) in _SQLITE_EVENTS.items():
        notes = (
            f"INSERT INTO {CHANGED} (hour) SELECT hour FROM"  # noqa: S608
            f" (SELECT {_hour_of('sqlite', f'{row}.received_at')} AS hour) AS its"
            f" WHERE NOT EXISTS (SELECT 1 FROM {CHANGED} AS noted WHERE noted.hour = its.hour);"
            for row in rows
        )
        body = f"BEGIN {' '.join(notes)} END"
        yield f"CREATE TRIGGER IF NOT EXISTS {NAME}_{name} AFTER {event} ON {LEDGER} {body}"
