"""The bytes of messages, once each, however many rows of the ledger a message has."""

import io
from collections.abc import Collection, Mapping

from django.db import connection, models
from django.db.models import F, Func, Value
from django.db.models.functions import Substr
from django.utils.translation import gettext_lazy as _

PIECE_BYTES = 2_000_000
"""What is larger is not handed over whole. libpq keeps an answer as hexadecimal digits, twice,
beside what psycopg makes of it; SQLite makes two copies of what it is given to store."""


def piece_of(column: str, start: int = 0) -> Substr:
    """An expression: of a column of bytes, PIECE_BYTES from an offset on."""
    return Substr(F(column), start + 1, PIECE_BYTES, output_field=models.BinaryField())


class MessageContentQuerySet(models.QuerySet["MessageContent"]):
    def read(self, pk: int, begin: bytes | None = None) -> "MessageContent":
        """With its bytes, of which the caller may have the first piece. Raises DoesNotExist where
        they were removed, be it meanwhile."""
        piece = self._read_piece(pk, 0) if begin is None else begin
        if len(piece) == PIECE_BYTES and connection.vendor == "sqlite":
            return self.get(pk=pk)  # in pieces it would be read from the disk once a piece
        raw = io.BytesIO()
        while raw.write(piece) == PIECE_BYTES:
            piece = self._read_piece(pk, raw.tell())
        return self.model(pk=pk, raw=raw.getvalue())

    def _read_piece(self, pk: int, start: int) -> bytes:
        piece: bytes | None = self.values_list(piece_of("raw", start), flat=True).get(pk=pk)
        return piece or b""  # SQLite has NULL for a piece of nothing

    def store(self, contents: Mapping[str, bytes]) -> "dict[str, MessageContent]":
        """Bytes by their digests. What was stored before is locked until the end of the caller's
        transaction, so that nobody removes it meanwhile."""
        # By one order, or two transactions might wait for each other.
        rows = [self.model(digest=digest, raw=raw) for digest, raw in sorted(contents.items())]
        is_sqlite = connection.vendor == "sqlite"
        large = [row for row in rows if is_sqlite and len(row.raw) > PIECE_BYTES]
        for row in large:
            row.raw = Func(Value(len(row.raw)), function="zeroblob")
        self.bulk_create(
            rows, update_conflicts=True, unique_fields=["digest"], update_fields=["digest"]
        )
        for row in large:
            row.raw = contents[row.digest]
            with connection.connection.blobopen(self.model._meta.db_table, "raw", row.pk) as room:
                room.write(row.raw)
        return {row.digest: row for row in rows}

    def remove_unused(self, pks: Collection[int | None]) -> None:
        """Remove those that no row of the ledger refers to any more. In a transaction."""
        wanted = self.filter(pk__in=[pk for pk in pks if pk is not None])
        # Whoever stores the same message again either waits, or has its row seen by what follows.
        list(wanted.select_for_update().order_by("digest").values_list("pk"))
        wanted.filter(rows=None).delete()


class MessageContent(models.Model):
    """A message as it came. It goes with the last row of the ledger that refers to it."""

    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the bytes."""

    raw = models.BinaryField()
    """Read it by `objects.read`."""

    objects = MessageContentQuerySet.as_manager()

    class Meta:
        verbose_name = _("content of a message")
        verbose_name_plural = _("contents of messages")

    def __str__(self) -> str:
        return f"content {self.pk}"
