"""How far ahead a time of the database may lie that another machine's clock has set."""

from datetime import datetime, timedelta

from django.conf import settings

LEAST = timedelta(seconds=60)


def latest_now(now: datetime) -> datetime:
    """What is `now` by the clock of some machine of ours, at the latest: they may differ by a
    minute, or by CHECK_CLOCK_SECONDS where that is longer. A time that has been and lies after it
    was set by a clock that was wrong."""
    return now + max(LEAST, timedelta(seconds=settings.CHECK_CLOCK_SECONDS))
