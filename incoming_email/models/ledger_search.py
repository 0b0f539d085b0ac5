"""Search in addresses, subjects and Message-IDs of the ledger, by an index of three-letter pieces.

PostgreSQL has it from its extension pg_trgm and keeps it itself. On SQLite it is a table of FTS5:
triggers note rows whose words changed, and the upkeep enters them. Where there is neither, and for
words shorter than a piece, the rows are read. Whatever an index finds is compared with the rows.
"""

import logging
from typing import Any

from django.db import Error, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils.text import smart_split, unescape_string_literal

from incoming_email.models.ledger import InboundEmail
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)
LEDGER, INDEX = "incoming_email_inboundemail", "incoming_email_search"
NOTED = "incoming_email_unsearched"
PIECE = 3
LARGEST_ID = 2**63 - 1
BATCH_ROWS = 500
COMMON_ROWS = 5000

COLUMNS = ("sender", "subject", "message_id", "recipient")
INDEXED = " || ' ' || ".join([*COLUMNS, "COALESCE(long_message_id, '')"])


class _Joined(Func):
    """The columns as one text, exactly as the index of PostgreSQL has it."""

    template = "(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


_LONG_ID = Coalesce("long_message_id", Value(""))
_INDEXED = _Joined(*map(F, COLUMNS), _LONG_ID)
_SEARCHED = _Joined(*map(F, COLUMNS[:-1]), _LONG_ID)


def search(rows: QuerySet[InboundEmail], term: str) -> QuerySet[InboundEmail]:
    """Those in which each word stands somewhere, or that have it as their number; words in quotes
    are one. A recipient is found by the whole address alone, or its key could be guessed."""
    rows = rows.alias(indexed=_INDEXED, searched=_SEARCHED)
    is_indexed = connection.vendor == "sqlite" and _has_table(connection, INDEX)
    for each in smart_split(term):
        is_quoted = each.startswith(('"', "'")) and each[0] == each[-1]
        word = unescape_string_literal(each) if is_quoted else each
        found = Q(searched__icontains=word) | Q(recipient__iexact=word)
        found &= Q(indexed__icontains=word)
        if is_indexed and len(word) >= PIECE and not _is_common(word):
            found &= Q(pk__in=_find_by_fts(word))
        if word.isdecimal() and int(word) <= LARGEST_ID:
            found |= Q(pk=int(word))
        rows = rows.filter(found)
    return rows


def _is_common(word: str) -> bool:
    """Enough rows have it that a list, which reads them newest first, is full sooner without the
    index."""
    found = f"SELECT 1 FROM {INDEX} WHERE words LIKE %s LIMIT {COMMON_ROWS}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({found})", [f"%{word}%"])  # noqa: S608
        return bool(cursor.fetchone()[0] == COMMON_ROWS)


def _find_by_fts(word: str) -> RawSQL:
    """Without an escape, which FTS5 would not use its index for: some more are found."""
    return RawSQL(  # noqa: S611
        f"SELECT rowid FROM {INDEX} WHERE words LIKE %s UNION ALL SELECT id FROM {NOTED}",  # noqa: S608
        [f"%{word}%"],
    )


def enter_noted(*, budget: Budget = UNLIMITED) -> int:
    """On SQLite: bring the index up to date, the newest rows first; return how many."""
    count = 0
    if connection.vendor == "sqlite" and _has_table(connection, INDEX):
        while done := _enter_batch():
            count += done
            if budget.is_over():
                break
    return count


@transaction.atomic
def _enter_batch() -> int:
    noted = f"SELECT id FROM {NOTED} ORDER BY id DESC LIMIT {BATCH_ROWS}"  # noqa: S608
    with connection.cursor() as cursor:
        # A write first: what is read then stays so until the commit.
        cursor.execute(f"DELETE FROM {INDEX} WHERE rowid IN ({noted})")  # noqa: S608
        cursor.execute(
            f"INSERT INTO {INDEX} (rowid, words)"  # noqa: S608
            f" SELECT id, {INDEXED} FROM {LEDGER} WHERE id IN ({noted})"
        )
        cursor.execute(f"DELETE FROM {NOTED} WHERE id IN ({noted})")  # noqa: S608
        return int(cursor.rowcount)


def install(*, using: str, **_: Any) -> None:
    """After each `migrate`, so that it is made as soon as it can be. Outside of a transaction on
    PostgreSQL, where mail is taken in meanwhile."""
    its = connections[using]
    if not _has_table(its, LEDGER):
        return
    try:
        _install_on_postgresql(its) if its.vendor == "postgresql" else _install_on_sqlite(its)
    except Error as error:
        logger.warning("search in the ledger has no index, and reads all rows: %s", error)


def remove(its: BaseDatabaseWrapper) -> None:
    with its.cursor() as cursor:
        if its.vendor == "postgresql":
            cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")
            return
        for event in _SQLITE_EVENTS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {NOTED}_{event}")
        for table in (INDEX, NOTED):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")


def _install_on_postgresql(its: BaseDatabaseWrapper) -> None:
    with its.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX]
        )
        row = cursor.fetchone()
        if row == (True,):
            return
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        if row:  # what made it was killed
            cursor.execute(f"DROP INDEX CONCURRENTLY {INDEX}")
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY {INDEX} ON {LEDGER}"
            f" USING gin (UPPER(({INDEXED})::text) gin_trgm_ops)"
        )


_SQLITE_EVENTS = {
    "inserted": ("INSERT", "NEW"),
    "updated": (f"UPDATE OF {', '.join(COLUMNS)}, long_message_id", "NEW"),
    "deleted": ("DELETE", "OLD"),
}


def _install_on_sqlite(its: BaseDatabaseWrapper) -> None:
    """A migration that writes the ledger anew drops its triggers; then all rows are noted."""
    if all(_has_table(its, f"{NOTED}_{event}") for event in _SQLITE_EVENTS):
        return
    with transaction.atomic(using=its.alias), its.cursor() as cursor:
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {INDEX}"
            " USING fts5(words, tokenize='trigram', detail='none')"
        )
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {NOTED} (id INTEGER PRIMARY KEY)")
        for name, (event, row) in _SQLITE_EVENTS.items():
            cursor.execute(
                f"CREATE TRIGGER IF NOT EXISTS {NOTED}_{name} AFTER {event} ON {LEDGER} BEGIN"  # noqa: S608
                f" INSERT OR IGNORE INTO {NOTED} (id) VALUES ({row}.id); END"
            )
        cursor.execute(f"INSERT OR IGNORE INTO {NOTED} (id) SELECT id FROM {LEDGER}")  # noqa: S608


def _has_table(its: BaseDatabaseWrapper, name: str) -> bool:
    """Or a trigger of that name."""
    with its.cursor() as cursor:
        if its.vendor == "postgresql":
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        else:
            cursor.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = %s", [name])
        return bool(cursor.fetchone()[0])
