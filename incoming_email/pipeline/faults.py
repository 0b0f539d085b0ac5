"""The one boundary where a fault of any kind becomes a retry, and is logged."""

import errno
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import Error, InterfaceError, OperationalError
from django.db.models import F

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline.attempts import NotPendingError, Step
from incoming_email.pipeline.isolation.process import NoParserError
from issues import connections

logger = logging.getLogger(__name__)
OURS = (NoParserError, InterfaceError, MemoryError)
DISK_FULL_STATE = "53100"
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
"""Of SQLite; the second where not even a reader can begin, in WAL mode."""

OUR_ERRNOS = {
    *DISK_FULL_ERRNOS,
    *(errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO),
}
PAUSE = timedelta(minutes=1)
"""Pause after a fault of the installation: the message did not cause it, so a longer wait gains
nothing."""


@contextmanager
def becoming_a_retry(
    row: InboundEmail, *, now: datetime, trace: Sequence[Step] = ()
) -> Iterator[None]:
    """Catch every fault. The row, which the caller has claimed, is due again later.

    A fault of the message costs the attempt, and the next one comes after the claim's pause; one of
    the installation (no parser, no database, no disk) costs none. Both are recorded in
    `last_error`.
    """
    try:
        yield
    except NotPendingError:
        logger.info("ended by another worker inbound_email=%s", row.pk)
    except Exception as fault:
        logger.exception("attempt failed inbound_email=%s attempt=%s", row.pk, row.attempts)
        note_retry([row], fault, now=now, trace=trace)


def is_ours(fault: BaseException) -> bool:
    """Whether it would have happened with any message."""
    if connections.is_read_only(fault):
        return True
    if isinstance(fault, OperationalError):
        state = getattr(fault.__cause__, "sqlstate", None)
        return state is None or state.startswith(connections.AWAY_STATES)
    return isinstance(fault, OURS) or (isinstance(fault, OSError) and fault.errno in OUR_ERRNOS)


def is_disk_full(fault: BaseException) -> bool:
    """Whether a write failed for want of space, by the database's or the system's own code."""
    cause = fault.__cause__
    return (
        (isinstance(fault, OSError) and fault.errno in DISK_FULL_ERRNOS)
        or getattr(cause, "sqlstate", None) == DISK_FULL_STATE
        or getattr(cause, "sqlite_errorcode", None) in DISK_FULL_CODES
    )


def note_retry(
    rows: Sequence[InboundEmail],
    fault: Exception,
    *,
    now: datetime,
    trace: Sequence[Step] = (),
) -> None:
    """Store why the claimed rows are due again; a database that is away is waited for. The caller
    logs the fault."""
    noted: dict[str, object] = {"last_error": describe(fault)}
    if is_ours(fault):
        noted |= {"attempts": F("attempts") - 1, "next_attempt_at": now + PAUSE}
    elif trace:
        noted |= {"trace": list(trace)}

    def store() -> None:
        for row in rows:
            ours = InboundEmail.objects.filter(pk=row.pk, attempts=row.attempts)
            ours.filter(status=Status.PENDING).update(**noted)

    with _logging_faults(rows[0].pk):  # the claim ends by itself
        connections.retry_while_away(store, until_stop=True)


@contextmanager
def noted(inbound_email_id: int) -> Iterator[None]:
    """Store a fault in the row that it kept from being claimed, and raise it again."""
    try:
        yield
    except Exception as fault:
        connections.validate()  # the fault may come from the database
        row = InboundEmail.objects.filter(pk=inbound_email_id, status=Status.PENDING)
        with _logging_faults(inbound_email_id):
            row.update(last_error=describe(fault))
        raise


def describe(fault: Exception) -> str:
    """PostgreSQL takes neither NUL nor a lone surrogate in a text."""
    words = f"{type(fault).__name__}: {fault}".replace("\0", "\N{REPLACEMENT CHARACTER}")
    return words.encode(errors="replace").decode()[:1000]


@contextmanager
def _logging_faults(inbound_email_id: int) -> Iterator[None]:
    try:
        yield
    except Error:
        logger.exception("a fault could not be stored inbound_email=%s", inbound_email_id)
