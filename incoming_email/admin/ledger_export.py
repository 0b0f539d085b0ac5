"""The ledger as CSV, row by row, without keys and without formulas."""

import csv
from collections.abc import Iterator, Sequence

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from incoming_email.admin.redaction import Redactor
from incoming_email.models import LEDGER_COLUMNS, InboundEmail
from issues.models import WHOLE_ID

EXPORTED = tuple(column.exported for column in LEDGER_COLUMNS if column.exported)
CHUNK = 2000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets evaluate cells that start with these, and anybody can write a subject."""


class _Echo:
    """A file object that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def export_rows(rows: QuerySet[InboundEmail]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_write(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="inbound-email.csv"'
    return response


def _write(rows: QuerySet[InboundEmail]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    redactor = Redactor.load()
    yield "\ufeff"  # spreadsheets read UTF-8 only after a byte order mark
    yield writer.writerow(EXPORTED)
    paths = (WHOLE_ID if path == "message_id" else path for path in EXPORTED)
    for values in rows.order_by("pk").values_list(*paths).iterator(chunk_size=CHUNK):
        yield writer.writerow(_clean(values, redactor))


def _clean(values: Sequence[object], redactor: Redactor) -> list[str]:
    texts = (
        value.isoformat(timespec="seconds")
        if hasattr(value, "isoformat")
        else redactor.redact("" if value is None else str(value))
        for value in values
    )
    return [f"'{text}" if text.startswith(FORMULA_STARTS) else text for text in texts]
