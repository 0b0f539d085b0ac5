"""Beat's scheduler: that of django-celery-beat, which here outlives a database that goes away."""

import logging
from datetime import datetime
from typing import Any

from celery.beat import SchedulingError
from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 5.0


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """It checks its connection itself, and survives faults of most reads and writes, but not of the
    rows read anew each five minutes, nor of a task that it switches off."""

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self._send_heartbeat()
        logger.info("beat started")

    def _send_heartbeat(self) -> None:
        """At once, or a good installation would look dead in its first minute."""
        entry = self.schedule.get("heartbeat")
        if entry is None:
            return
        try:
            self.apply_async(entry, advance=False)
        except SchedulingError:
            logger.exception("no heartbeat was sent at the start")

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; seconds until the next look. What was read before stays in force."""
        try:
            return super().tick(*args, **kwargs)
        except Error:
            logger.exception("schedule not read")
            # Of unknown age: to be read anew at the next look. It is compared with naive times.
            self._last_full_sync = datetime.min  # noqa: DTZ901
            return AGAIN_SECONDS
