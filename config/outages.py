"""The log while PostgreSQL is away or read-only: a sentence a minute, not a traceback a second."""

import copy
import logging
import time
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from issues import connections

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 60.0
BEGUN = "the database is away, all that needs it is tried again: %s"
GOES_ON = "the database is still away after=%d s entries_left_out=%s: %s"
OVER = "the database is back after=%d s entries_left_out=%s"


class OutageHandler(logging.StreamHandler[Any]):
    """Writes to stderr. Of entries about such a fault, whoever logs them, each process says by one
    sentence that it begins, that it lasts, and that it is over; the others are left out.

    It is over with the next connection that takes writes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._began_at: float | None = None
        self._said_at = -AGAIN_SECONDS
        self._left_out = 0
        self._is_told = False
        connection_created.connect(self._note_connection)

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        if fault is None or not connections.is_outage(fault):
            super().emit(record)
        elif (said := self._decide(connections.describe_outage(fault))) is not None:
            # The record is also other handlers'.
            written = copy.copy(record)
            written.msg, written.args = said
            written.exc_info = written.exc_text = None
            super().emit(written)

    def _decide(self, words: str) -> tuple[str, tuple[object, ...]] | None:
        """The sentence to write. The caller has the handler's lock."""
        now = time.monotonic()
        begins = self._began_at is None
        if self._began_at is None:
            self._began_at = now
        if now - self._said_at < AGAIN_SECONDS:
            self._left_out += 1
            return None
        self._said_at, self._is_told = now, True
        if begins:
            return BEGUN, (words,)
        return GOES_ON, (now - self._began_at, self._left_out, words)

    def _note_connection(self, *, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if self._began_at is None or not connection.is_usable():
            return
        with self.lock:  # type: ignore[union-attr]
            began_at, left_out, is_told = self._began_at, self._left_out, self._is_told
            self._began_at, self._left_out, self._is_told = None, 0, False
        if is_told:
            logger.warning(OVER, time.monotonic() - began_at, left_out)
