"""Gives memory that large mail took back to the system, in processes that live for long.

The C library keeps what was freed, for what comes next. SQLite's statements, which Python keeps
with the connection, hold what they were given last, and libpq's buffers stay as large as they were.
"""

import ctypes
from collections.abc import Callable
from functools import cache

from django.db import connections

LARGE_BYTES = 4_000_000
"""Of a message that is worth it: SQLite waits for the disk when its connection is closed."""


def give_back() -> None:
    """Between two units of work of this thread. Takes some milliseconds."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
    trim = _find_trim()
    if trim is not None:
        trim(0)


@cache
def _find_trim() -> Callable[[int], int] | None:
    """None where the C library is not glibc."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
