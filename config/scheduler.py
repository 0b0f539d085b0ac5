"""Beat's scheduler: that of django-celery-beat, which here outlives a database that goes away."""

import logging
import signal
import time
from datetime import datetime, timedelta
from typing import Any

from celery.beat import SchedulingError
from celery.utils.time import maybe_make_aware
from django.db import Error
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

from incoming_email.models import heartbeats
from issues import connections, stopping, watchdog

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 5.0
HEARTBEAT = "incoming_email.heartbeat"
HEARTBEAT_SECONDS = 30.0
CLOCK_SLACK_SECONDS = 5.0
"""Clocks that are kept right by small steps go back as well."""


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """It checks its connection itself, and survives faults of most reads and writes, but not of the
    rows read anew each five minutes, nor of a task that it switches off."""

    _next_heartbeat = 0.0

    def setup_schedule(self) -> None:
        # Celery ends beat by an exception, and then asks database and broker for the last time.
        stopping.prepare(signal.SIGTERM, signal.SIGINT)
        watchdog.feed()
        super().setup_schedule()
        self._send_heartbeats()
        logger.info("beat started")

    def _send_heartbeats(self) -> None:
        """At once, or a good installation would look dead in its first minute."""
        try:
            for entry in self.schedule.values():
                if entry.task == HEARTBEAT:
                    self.apply_async(entry, advance=False)
        except SchedulingError:
            logger.exception("no heartbeat was sent at the start")

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; seconds until the next look. What was read before stays in force."""
        watchdog.feed()
        self._record_heartbeat()
        try:
            self._forget_future()
            return super().tick(*args, **kwargs)
        except Error:
            logger.exception("schedule not read")
            # Of unknown age: to be read anew at the next look. It is compared with naive times.
            self._last_full_sync = datetime.min  # noqa: DTZ901
            return AGAIN_SECONDS

    def _record_heartbeat(self) -> None:
        """Its own, so that beat does not look dead where no worker answers."""
        if time.monotonic() < self._next_heartbeat:
            return
        self._next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        with connections.surviving_faults("sign of life"):
            heartbeats.record_heartbeat(heartbeats.BEAT, now=timezone.now())

    def _forget_future(self) -> None:
        """After the clock was set back, what ran by the former one is due after its interval again.
        It would wait until the clock is there once more."""
        now = timezone.now()
        latest = now + timedelta(seconds=CLOCK_SLACK_SECONDS)
        ahead = [e for e in self.schedule.values() if maybe_make_aware(e.last_run_at) > latest]
        for entry in ahead:
            entry.last_run_at = entry.model.last_run_at = now
            self._dirty.add(entry.name)
        if ahead:
            logger.warning("the clock was set back tasks=%s", len(ahead))
            self._heap = None  # it is ordered by the former clock
