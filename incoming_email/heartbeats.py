"""Signs of life of the long-running processes, for the check and the console."""

from datetime import datetime, timedelta

from incoming_email.models import Heartbeat

WORKER, BEAT, WATCHER, SMTP_DOOR = "worker", "beat", "watcher", "smtp"
OLD = timedelta(minutes=3)
"""Six missed beats: one comes every 30 seconds."""


def beat(*names: str, now: datetime) -> None:
    """Note that these were alive at `now`."""
    for name in names:
        Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": now})


def find_last(name: str) -> datetime | None:
    """When it was last seen; None if never."""
    return Heartbeat.objects.filter(name=name).values_list("seen_at", flat=True).first()
