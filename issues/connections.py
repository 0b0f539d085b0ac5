"""Database connections between units of work: checked before they are used, closed once broken.

A unit of work is what is done between two waits: a task, a command of an SMTP client, an attempt at
a message, one look at the mailboxes. Django checks connections around each request and nowhere
else, so whatever runs longer does it here. What is cut in the middle of a unit fails, and is done
again by the rules of its own row.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from issues import stopping

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

AGAIN_SECONDS = 0.5
AWAY = (OperationalError, InterfaceError)
"""How a database shows that it is away, or that it was cut off."""

AWAY_STATES = ("08", "53", "57P")
"""How SQLSTATE begins where PostgreSQL is away or short of something (its manual, appendix A). Any
other one, such as of a limit that a message exceeds, is of the statement."""

READ_ONLY_STATE = "25006"
"""SQLSTATE of a write that a standby refuses, or a server that is read-only for a while."""

PATIENCE_SECONDS = 30.0
"""A database that restarts is back by then; who waits longer is needed elsewhere."""


def validate() -> None:
    """Close this thread's connections that are broken or too old; the next query opens a new one.

    As `django.db.close_old_connections`, which must not be called inside of a transaction and
    would close its connection; such a connection is left alone here.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def is_away(fault: BaseException) -> bool:
    """Whether the database is away for now, at least for those who write. Django has no class of
    its own for one that is read-only: it is an InternalError."""
    return isinstance(fault, AWAY) or is_read_only(fault)


def is_read_only(fault: BaseException) -> bool:
    return getattr(fault.__cause__, "sqlstate", None) == READ_ONLY_STATE


def is_outage(fault: BaseException) -> bool:
    """Whether PostgreSQL is away, short of something or read-only, whatever it was asked."""
    if is_read_only(fault):
        return True
    cause = fault.__cause__
    if cause is None or not isinstance(fault, AWAY) or not hasattr(cause, "sqlstate"):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(AWAY_STATES)


def describe_outage(fault: BaseException) -> str:
    """The server's words about itself; of a statement nothing."""
    if not isinstance(fault, AWAY):
        return "it is read-only"
    return str(fault).partition("\n")[0]


def is_writable() -> bool:
    """Whether the database, which has just answered, takes writes: a standby takes none, nor one
    that is read-only for a while. Of a server that was cut off by now it is False, too."""
    return connections[DEFAULT_DB_ALIAS].is_usable()


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Around what is done between two waits. Faults of the database are the caller's."""
    validate()
    try:
        yield
    finally:
        validate()


@contextmanager
def surviving_faults(work: str) -> Iterator[None]:
    """A unit of work of a loop, which goes on: a fault of the database is logged, not raised."""
    try:
        with unit_of_work():
            yield
    except Error:
        logger.exception("not done for a fault of the database work=%s", work)


@contextmanager
def limited_queries(seconds: float) -> Iterator[None]:
    """Around what only reads: a query that takes longer ends with OperationalError.

    It may wait for a lock. With SQLite, readers wait for nobody.
    """
    default = connections[DEFAULT_DB_ALIAS]
    if default.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), default.cursor() as cursor:
        limit = str(int(seconds * 1000))
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
        yield


def retry_while_away(
    work: Callable[[], Result], *, seconds: float = PATIENCE_SECONDS, until_stop: bool = False
) -> Result:
    """Do it again while the database is away or read-only, for at most so long; then its fault is
    raised.

    For what is true already and only has to be written down. It must bear being done twice, since
    a connection may break after the commit. `until_stop`: no longer once this process was told to
    stop.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with unit_of_work():
                return work()
        except Error as fault:
            is_over = time.monotonic() > deadline or (until_stop and stopping.is_requested())
            if is_over or not is_away(fault):
                raise
            time.sleep(AGAIN_SECONDS)
