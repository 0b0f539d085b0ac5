"""Writes announcements: one by one, or many at the end of a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from issues import outbox
from issues.models import Announcement

_gathered: ContextVar[list[Announcement] | None] = ContextVar("gathered", default=None)


def announce(announcement: Announcement) -> None:
    """Write it in the transaction of the event; a worker is notified after the commit."""
    gathered = _gathered.get()
    if gathered is None:
        announcement.save(force_insert=True)
    else:
        gathered.append(announcement)
    outbox.wake_worker()


@contextmanager
def announced_together() -> Iterator[None]:
    """What is announced inside is written at the end by one statement; nothing after an error.

    Belongs inside the transaction that all of it shares.
    """
    gathered: list[Announcement] = []
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    Announcement.objects.bulk_create(gathered)
