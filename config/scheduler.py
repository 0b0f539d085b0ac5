"""Beat's scheduler: that of django-celery-beat, which here outlives a database that goes away."""

import logging
import signal
import time
from datetime import datetime
from typing import Any

from celery.beat import SchedulingError
from django.db import Error
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

from incoming_email.models import heartbeats
from issues import connections, stopping, watchdog

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 5.0
HEARTBEAT = "incoming_email.heartbeat"
HEARTBEAT_SECONDS = 30.0


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
