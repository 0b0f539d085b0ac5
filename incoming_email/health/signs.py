"""Whether the installation lives, found out in a moment: for those who ask every few seconds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from incoming_email import heartbeats
from incoming_email.health.servers import find_broker
from incoming_email.inboxes.base import Answer
from incoming_email.models import Heartbeat, Mailbox

BROKER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that has to work. `numbers` say no more than strangers may know."""

    name: str
    is_good: bool
    numbers: dict[str, int] = field(default_factory=dict)


def find_signs(*, now: datetime) -> list[Sign]:
    """Two small queries and one connection to the broker; the mail servers are not asked."""
    try:
        known = [Sign("database", is_good=True), *_find_processes(now), _find_mailboxes(now)]
    except (DatabaseError, InterfaceError):
        known = [Sign("database", is_good=False)]
    (broker,) = find_broker(timeout=BROKER_SECONDS)
    return [*known, Sign("broker", broker.answer is Answer.YES)]


def _find_processes(now: datetime) -> list[Sign]:
    seen = dict(Heartbeat.objects.values_list("name", "seen_at"))
    return [
        _read_heartbeat(name, seen.get(name), now) for name in (heartbeats.WORKER, heartbeats.BEAT)
    ]


def _read_heartbeat(name: str, seen_at: datetime | None, now: datetime) -> Sign:
    if seen_at is None:
        return Sign(name, is_good=False)
    age = now - seen_at
    return Sign(name, age <= heartbeats.OLD, {"seen_seconds_ago": max(int(age.total_seconds()), 0)})


def _find_mailboxes(now: datetime) -> Sign:
    """A mailbox may fail for a while: no sooner than people are told does it count."""
    since = now - timedelta(minutes=settings.MAILBOX_ALERT_MINUTES)
    enabled = Mailbox.objects.filter(enabled=True)
    failing = enabled.filter(failing_since__lte=since).count()
    return Sign("mailboxes", failing == 0, {"failing": failing})
