"""Hands tasks to the broker within a bounded time, or in the background, where nobody waits; wakes
a worker after the commit of outgoing mail."""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from celery import current_app
from django.db import transaction

if TYPE_CHECKING:
    from kombu import Connection

logger = logging.getLogger(__name__)

SECONDS = 5.0
"""That the broker may be silent."""

EXPIRES_SECONDS = 60
"""By then a sweep has done the work; without a worker the broker must not fill up."""

PAUSE_SECONDS = 2.0
IDLE_SECONDS = 30.0
"""A connection without a task for so long is closed: something between may forget it."""

FAREWELL_SECONDS = 1.0
"""That the end of a process is put off for tasks which are still to be handed over."""

DELIVER = "issues.deliver_outgoing_email"
LOOK_SECONDS = 0.05
MAX_WAITING = 1_000


def connect(seconds: float) -> "Connection":
    """A connection to the broker that waits so long for each of its answers; not opened yet.

    Raises ImportError, LookupError or ValueError where the setting names no broker.
    """
    connection = current_app.connection_for_write(connect_timeout=seconds)
    # Each server once: kombu's own second attempt comes after two seconds.
    once = {"max_retries": max(0, len(connection.alt) - 1), "interval_start": 0.0}
    patience = {
        "redis": {"socket_connect_timeout": seconds, "socket_timeout": seconds},
        "amqp": {"read_timeout": seconds, "write_timeout": seconds},
    }.get(connection.transport.driver_type, {})
    # Those of the setting win.
    connection.transport_options = once | patience | (connection.transport_options or {})
    return connection


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    arguments: dict[str, object]
    expires: float | None
    until: float
    """By the monotonic clock, when it is stale."""


def hand_over(name: str, **arguments: object) -> None:
    """Now. Raises OSError or Celery's OperationalError where the broker does not take it."""
    with connect(SECONDS) as connection:
        current_app.send_task(name, kwargs=arguments, connection=connection, retry=False)


class Sender:
    """A thread with a queue and a connection of its own. What does not fit in is dropped."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[_Task | None] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._is_failing = False

    def put(self, task: _Task) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="broker", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(task)
        except queue.Full:
            logger.debug("too many tasks wait for the broker, dropped task=%s", task.name)

    def close(self, seconds: float = FAREWELL_SECONDS) -> None:
        """Wait until all is handed over, no longer than this, and not for a broker that is away."""
        until = time.monotonic() + seconds
        done = self._waiting.all_tasks_done
        with done:
            while (
                self._waiting.unfinished_tasks and not self._is_failing and time.monotonic() < until
            ):
                done.wait(LOOK_SECONDS)
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return

    def _work(self) -> None:
        while True:
            try:
                task = self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._disconnect()
                continue
            if task is not None:
                self._deliver(task)
            self._waiting.task_done()
            if task is None:
                self._disconnect()
                return

    def _deliver(self, task: _Task) -> None:
        """Now, and again after a pause until it is stale."""
        while time.monotonic() < task.until:
            was_open = self._connection is not None
            if self.attempt(task):
                return
            if not was_open:  # else it was perhaps only restarted
                time.sleep(PAUSE_SECONDS)

    def attempt(self, task: _Task) -> bool:
        """Whether the broker has taken it."""
        try:
            self._send(task)
        except Exception as error:  # noqa: BLE001  (of whichever library the broker has)
            self._is_failing = True
            self._disconnect()
            logger.warning(
                "broker unreachable, a sweep does the work task=%s error=%s",
                task.name,
                type(error).__name__,
            )
            return False
        self._is_failing = False
        return True

    def _send(self, task: _Task) -> None:
        if self._connection is None:
            self._connection = connect(SECONDS)
        current_app.send_task(
            task.name,
            kwargs=task.arguments,
            connection=self._connection,
            retry=False,
            expires=task.expires,
        )

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.release()


_sender = Sender()


def send(name: str, *, expires: float | None = EXPIRES_SECONDS, **arguments: object) -> None:
    """Take note of a task and return at once. It may be lost: a sweep must do the same work.

    `expires`: seconds after which a worker drops it.
    """
    task = _Task(name, arguments, expires, time.monotonic() + EXPIRES_SECONDS)
    if current_app.conf.broker_write_url.startswith("memory:"):  # a broker within this process
        _sender.attempt(task)
    else:
        _sender.put(task)


@dataclass(slots=True)
class _Collector:
    is_open: bool = True
    is_wanted: bool = False

    def note_commit(self) -> None:
        if self.is_open:
            self.is_wanted = True
        elif not self.is_wanted:  # committed after the block: still only one
            self.is_wanted = True
            send(DELIVER)


_collector: ContextVar[_Collector | None] = ContextVar("wake_ups", default=None)


def wake_worker() -> None:
    """After commit, wake a worker. The sweep finds half a minute later what is lost here."""
    collector = _collector.get()
    wake = partial(send, DELIVER) if collector is None else collector.note_commit
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
            send(DELIVER)


def flush() -> None:
    """At the end of a process: what was noted is handed over, if the broker takes it soon."""
    _sender.close()


def _begin_anew() -> None:
    """In a fork, where the thread does not live on and a lock may be held for ever."""
    global _sender  # noqa: PLW0603
    _sender = Sender()


atexit.register(flush)
os.register_at_fork(after_in_child=_begin_anew)
