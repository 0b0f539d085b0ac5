"""Heartbeats of the long-running processes, for the check and the dashboard."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

WORKER, BEAT, WATCHER, SMTP_LISTENER = "worker", "beat", "watcher", "smtp"
OLD = timedelta(minutes=3)
"""Six missed heartbeats: one is recorded every 30 seconds."""


class Heartbeat(models.Model):
    """When a long-running process was last seen alive."""

    name = models.CharField(max_length=50, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name


def record_heartbeat(*names: str, now: datetime) -> None:
    """Record that these processes were alive at `now`."""
    for name in names:
        Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": now})


def find_last(name: str) -> datetime | None:
    """When it was last seen; None if never."""
    return Heartbeat.objects.filter(name=name).values_list("seen_at", flat=True).first()


def name_worker(queue: str) -> str:
    """The heartbeat of whatever worker takes tasks from this queue; WORKER is that of any."""
    return f"{WORKER}:{queue}"


def find_unserved(*, now: datetime) -> list[str]:
    """Queues that no worker has taken a task from lately, in the order of the settings."""
    recent = set(Heartbeat.objects.filter(seen_at__gte=now - OLD).values_list("name", flat=True))
    return [queue for queue in settings.WORKER_QUEUES if name_worker(queue) not in recent]


def is_alive(name: str, *, now: datetime) -> bool:
    """Whether it was seen lately."""
    seen_at = find_last(name)
    return seen_at is not None and is_recent(seen_at, now=now)


def is_recent(seen_at: datetime, *, now: datetime) -> bool:
    """A time that lies ahead was set by a clock that was wrong, and proves nothing."""
    return abs(now - seen_at) <= OLD
