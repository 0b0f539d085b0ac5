"""What an installation does by itself: tasks that wait in its queues, and those of the schedule.

Both run in this process, as in a worker's. The clock is set ahead, so that no lease is waited for.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from django.utils import timezone

from config.celery import app
from config.workers import BROKER_DIR
from issues import connections

logger = logging.getLogger(__name__)
MAX_TASKS = 1000
"""More would be tasks that make each other for ever."""

LATER_SECONDS = (1320, 94_000)
"""When a restarted installation is looked at: after the leases of messages, mailboxes, mails and
branches have ended, and once more when files without a row are old enough to go."""


@contextmanager
def clock_ahead(seconds: float) -> Iterator[None]:
    """In this process: what Django and the code ask for the time of day."""
    real = timezone.datetime, time.time, time.time_ns

    class Ahead(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return dt.datetime.now(tz) + dt.timedelta(seconds=seconds)

    timezone.datetime = Ahead
    time.time = lambda: real[1]() + seconds
    time.time_ns = lambda: real[2]() + int(seconds * 1e9)
    try:
        yield
    finally:
        timezone.datetime, time.time, time.time_ns = real


def run_task(name: str, **named: Any) -> None:
    """As a worker does: a fault ends the task alone."""
    task = app.tasks[name]
    try:
        with connections.unit_of_work():
            task(**named)
    except Exception:
        logger.exception("task failed name=%s", name)


def run_queued() -> None:
    """Every task that waits in the file broker, and what those add. A message is taken out of its
    queue before it is worked on, as Celery does."""
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        for _ in range(MAX_TASKS):
            names = {path.name.split(".")[-2] for path in BROKER_DIR.glob("queue/*.msg")}
            if not names:
                return
            try:
                message = channel.message_to_python(channel._get(min(names)))
            except Empty:
                continue
            _words, named, _embedded = message.decode()
            run_task(message.headers["task"], **named)
    raise RuntimeError(f"there were more than {MAX_TASKS} tasks")


def run_scheduled(names: Iterable[str] = ()) -> None:
    """Each task once, without names all of the schedule, and what they queue."""
    for name in names or [entry["task"] for entry in app.conf.beat_schedule.values()]:
        run_task(name)
        run_queued()
