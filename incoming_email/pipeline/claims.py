"""Rows that this process has claimed and has yet to end; given back if it stops before that."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from django.db import connections
from django.utils import timezone

from incoming_email.models import InboundEmail
from issues.connections import retry_while_away

_lock = threading.Lock()
_held: dict[int, InboundEmail] = {}


@contextmanager
def held(rows: Sequence[InboundEmail]) -> Iterator[None]:
    """While claimed rows are worked on. A fault is the block's own affair; what ends the process in
    the middle (SystemExit) gives back what has not ended."""
    with _lock:
        _held.update((row.pk, row) for row in rows)
    try:
        yield
    except Exception:
        raise
    except BaseException:
        connections.close_all()  # whatever they were in the middle of
        give_back(rows)
        raise
    finally:
        with _lock:
            for row in rows:
                _held.pop(row.pk, None)


def is_any_held() -> bool:
    return bool(_held)


def give_back(rows: Sequence[InboundEmail]) -> int:
    """Take the claims back where they are still ours and nothing has come of them; return how many.

    It costs no attempt, and the next sweep takes them up. A database that is away is waited for.
    """

    def unclaim() -> int:
        by_claim = groupby(rows, key=lambda row: (row.attempts, row.next_attempt_at))
        return sum(
            InboundEmail.objects.unclaim(
                [row.pk for row in same], attempts=attempts, until=until, now=timezone.now()
            )
            for (attempts, until), same in by_claim
        )

    return retry_while_away(unclaim, until_stop=True) if rows else 0


def give_back_all() -> int:
    """Those of threads that did not stop in time; the caller then ends the process."""
    with _lock:
        rows = list(_held.values())
    return give_back(rows)
