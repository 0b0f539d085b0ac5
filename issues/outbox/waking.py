"""Wakes a worker after the commit of outgoing mail."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from celery import current_app
from celery.exceptions import OperationalError
from django.db import transaction

logger = logging.getLogger(__name__)
EXPIRES_SECONDS = 60
"""By then the sweep has sent it; without a worker the broker must not fill up."""


@dataclass(slots=True)
class _Collector:
    is_open: bool = True
    is_wanted: bool = False

    def note_commit(self) -> None:
        if self.is_open:
            self.is_wanted = True
        elif not self.is_wanted:  # committed after the block: still only one
            self.is_wanted = True
            _call_worker()


_collector: ContextVar[_Collector | None] = ContextVar("outbox_wake_ups", default=None)


def wake_worker() -> None:
    """After commit, wake a worker. The sweep finds half a minute later what is lost here."""
    collector = _collector.get()
    transaction.on_commit(_call_worker if collector is None else collector.note_commit)


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
            _call_worker()


def _call_worker() -> None:
    try:
        current_app.send_task("issues.deliver_outgoing_email", retry=False, expires=EXPIRES_SECONDS)
    except (OperationalError, OSError) as error:
        logger.warning("broker unreachable, the sweep will send error=%s", type(error).__name__)
