"""Times computed in SQL by both databases; Django's own functions call Python for each row."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, FloatField, Func, IntegerField
from django.db.models.sql.compiler import SQLCompiler

type_of_sql = tuple[str, Any]


class _Computed(Func):
    sqlite_template = ""

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> type_of_sql:
        return self.as_sql(compiler, connection, template=self.sqlite_template, **extra)


class HourOf(_Computed):
    """The hour of a moment in UTC, as text: "2026-05-01 13"."""

    template = "TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"
    sqlite_template = "SUBSTR(%(expressions)s, 1, 13)"
    output_field = CharField()


class Seconds(_Computed):
    """Seconds of a moment, since a fixed moment."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)"
    sqlite_template = "(JULIANDAY(%(expressions)s) * 86400.0)"
    output_field = FloatField()


class Whole(_Computed):
    """A number without its decimals.

    SQLite computes days as floating point, where 2 seconds may result in 1.99999.
    """

    template = "CAST(FLOOR(%(expressions)s) AS INTEGER)"
    sqlite_template = "CAST(%(expressions)s + 0.001 AS INTEGER)"
    output_field = IntegerField()
