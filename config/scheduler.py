"""Beat's scheduler: that of django-celery-beat, which here outlives a database that goes away."""

import logging
from datetime import datetime
from typing import Any

from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 5.0


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """It checks its connection itself, and survives faults of most reads and writes, but not of the
    rows read anew each five minutes, nor of a task that it switches off."""

    def setup_schedule(self) -> None:
        super().setup_schedule()
        logger.info("beat started")

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; seconds until the next look. What was read before stays in force."""
        try:
            return super().tick(*args, **kwargs)
        except Error:
            logger.exception("schedule not read")
            # Of unknown age: to be read anew at the next look. It is compared with naive times.
            self._last_full_sync = datetime.min  # noqa: DTZ901
            return AGAIN_SECONDS
