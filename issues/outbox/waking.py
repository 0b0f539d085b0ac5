"""Wakes a worker after the commit of outgoing mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from issues import broker

TASK = "issues.deliver_outgoing_email"


@dataclass(slots=True)
class _Collector:
    is_open: bool = True
    is_wanted: bool = False

    def note_commit(self) -> None:
        if self.is_open:
            self.is_wanted = True
        elif not self.is_wanted:  # committed after the block: still only one
            self.is_wanted = True
            broker.send(TASK)


_collector: ContextVar[_Collector | None] = ContextVar("outbox_wake_ups", default=None)


def wake_worker() -> None:
    """After commit, wake a worker. The sweep finds half a minute later what is lost here."""
    collector = _collector.get()
    wake = partial(broker.send, TASK) if collector is None else collector.note_commit
    transaction.on_commit(wake)


@contextmanager
def wake_once() -> Iterator[None]:
    """Many calls of `wake_worker` inside make one at the end."""
    if _collector.get() is not None:
        yield
        return
    collector = _Collector()
    token = _collector.set(collector)
    try:
        yield
    finally:
        _collector.reset(token)
        collector.is_open = False
        if collector.is_wanted:
            broker.send(TASK)
