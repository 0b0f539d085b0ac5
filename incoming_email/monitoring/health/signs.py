"""Whether the installation works, found in a moment by a few small queries."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from incoming_email import free_space
from incoming_email.inboxes.base import Answer
from incoming_email.models import Heartbeat, Mailbox, heartbeats
from incoming_email.monitoring import figures, probes
from incoming_email.monitoring.health.servers import find_broker
from issues import connections, outbox

BROKER_SECONDS = 2.0
WORKER = "worker"
"""Whether every queue has a worker that takes tasks from it."""

PROCESSES = {
    **{queue: heartbeats.name_worker(queue) for queue in settings.WORKER_QUEUES},
    "beat": heartbeats.BEAT,
    "watcher": heartbeats.WATCHER,
    "listener": heartbeats.SMTP_LISTENER,
}
DATABASE, BROKER, DISK = "database", "broker", "disk"
SIGNS = (DATABASE, WORKER, *PROCESSES, "processing", "mailboxes", "probes", "sending", BROKER, DISK)
OPTIONAL = ("watcher", "listener")
"""An installation may run without them, so they are reported only if asked for by name."""

MAILBOX_COLUMNS = (
    *("inbox_method", "poll_interval", "enabled_at", "last_success_at", "failing_since"),
)
FORMER_NAMES = {"door": "listener"}
"""Names that `/health/?only=` also accepts, and what they are called now."""


@dataclass(frozen=True, slots=True)
class Sign:
    """The state of one component. `numbers` may be public: they name nothing."""

    name: str
    is_good: bool
    numbers: dict[str, int] = field(default_factory=dict)


def find_in_database(*, now: datetime) -> list[Sign]:
    """All but broker and disk; the database alone, where it fails. One that is read-only is as bad
    as one that is away."""
    try:
        found = [*_find_processes(now), _find_processing(now), _find_mailboxes(now)]
        found += [_find_probes(), _find_sending(now)]
    except (DatabaseError, InterfaceError):
        # The state of everything else is unknown now.
        return [Sign(DATABASE, is_good=False)]
    return [Sign(DATABASE, is_good=connections.is_writable()), *found]


def ask_broker() -> list[Sign]:
    """By one connection."""
    (broker,) = find_broker(timeout=BROKER_SECONDS)
    return [Sign(BROKER, broker.answer is Answer.YES)]


def look_at_disk() -> list[Sign]:
    """Of this machine: whether mail may be taken in. Raises OSError. May block."""
    least = settings.CHECK_DISK_MIN_BYTES
    return [Sign(DISK, not any(each.is_short(least) for each in free_space.find_spaces()))]


def _find_processes(now: datetime) -> list[Sign]:
    seen = dict(Heartbeat.objects.values_list("name", "seen_at"))
    found = [_read_heartbeat(name, seen.get(process), now) for name, process in PROCESSES.items()]
    workers = [sign for sign in found if sign.name in settings.WORKER_QUEUES]
    ages = [age for sign in workers for age in sign.numbers.values()]
    numbers = {"seen_seconds_ago": max(ages)} if len(ages) == len(workers) else {}
    return [Sign(WORKER, all(sign.is_good for sign in workers), numbers), *found]


def _read_heartbeat(name: str, seen_at: datetime | None, now: datetime) -> Sign:
    if seen_at is None:
        return Sign(name, is_good=False)
    age = max(int((now - seen_at).total_seconds()), 0)
    return Sign(name, heartbeats.is_recent(seen_at, now=now), {"seen_seconds_ago": age})


def _find_processing(now: datetime) -> Sign:
    """Whether messages are processed: a worker that sends heartbeats may still process none."""
    overdue = figures.find_overdue(now=now)
    return Sign("processing", overdue is None, {"overdue": overdue.count if overdue else 0})


def _find_mailboxes(now: datetime) -> Sign:
    """A mailbox may fail for a while: it counts once people are notified. So does one that nobody
    has read for as long, whoever is at fault."""
    minutes = settings.MAILBOX_ALERT_MINUTES
    since = now - timedelta(minutes=minutes)
    enabled = list(Mailbox.objects.filter(enabled=True).only(*MAILBOX_COLUMNS))
    failing = sum(
        each.failing_since is not None and each.failing_since <= since for each in enabled
    )
    unread = sum(each.is_fetched and each.is_unread_for(minutes, now=now) for each in enabled)
    numbers = {"failing": failing} | ({"unread": unread} if unread else {})
    return Sign("mailboxes", failing == 0 and unread == 0, numbers)


def _find_probes() -> Sign:
    failing = probes.count_failing()
    return Sign("probes", failing == 0, {"failing": failing})


def _find_sending(now: datetime) -> Sign:
    """Whether the server of EMAIL_URL takes our mail; like a mailbox it may fail for a while."""
    failure = outbox.find_failure()
    if failure is None:
        return Sign("sending", is_good=True, numbers={"waiting": 0})
    is_short = failure.since > now - timedelta(minutes=settings.MAILBOX_ALERT_MINUTES)
    return Sign("sending", is_short, {"waiting": failure.waiting})
