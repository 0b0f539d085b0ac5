"""The Celery application and its beat schedule."""

import logging
import os
from typing import Any

from celery import Celery
from celery.schedules import schedule
from celery.signals import celeryd_after_setup, setup_logging
from django.conf import settings
from django.utils.log import configure_logging
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from config.queues import FORMER, INCOMING, WORKER_QUEUES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Before anything else: Celery warns about running as root before it asks how to log.
logging.captureWarnings(True)
TRANSPORT_ALIASES["filesystem"] = "config.file_broker:Transport"
app = Celery("letterbox", fixups=["config.worker_connections:install"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def configure_logs(**_: Any) -> None:
    """The same logging as in every other process; Celery would add a handler and a format of its
    own."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)


@celeryd_after_setup.connect
def take_from_former_queue(*, instance: Any, **_: Any) -> None:
    """A worker of `incoming` also does what an earlier version has left in its only queue."""
    queues = instance.app.amqp.queues
    if INCOMING in queues.consume_from:
        queues.select_add(Queue(FORMER, Exchange(FORMER), routing_key=FORMER))


STALE = {"expires": 60}
"""Seconds until a queued task is dropped: beat has queued its successor by then, and without a
worker the broker must not fill up."""

SCHEDULE = {
    "poll mailboxes": ("incoming_email.poll_mailboxes", float(settings.POLL_INTERVAL_SECONDS)),
    "sweep inbound email": ("incoming_email.sweep", 60.0),
    "sweep outgoing email": ("issues.sweep_outgoing_email", 30.0),
    "remove orphan files": ("issues.remove_orphan_files", 21600.0),
    "finish waiting series": ("incoming_email.finish_waiting_series", 300.0),
    "sweep repositories": ("issues.sweep_repositories", 60.0),
    "probes": ("incoming_email.probe", 30.0),
    "alerts": ("incoming_email.alert", 60.0),
    "held mail": ("incoming_email.tell_of_held_mail", 1800.0),
    "purge": ("incoming_email.purge", 3600.0),
    "sums and search of the ledger": ("incoming_email.sum_and_index", 60.0),
    "custom addresses": ("servicedesk.give_up_verifications", 60.0),
    "mail servers of desks": ("servicedesk.watch_mail_servers", 60.0),
    "spam of desks": ("servicedesk.delete_spam", 3600.0),
    "held mail of desks": ("servicedesk.plan_held_mail", 60.0),
}
app.conf.beat_schedule = {
    name: {"task": task, "schedule": schedule(seconds), "options": STALE}
    for name, (task, seconds) in SCHEDULE.items()
} | {
    f"heartbeat {queue}": {
        "task": "incoming_email.heartbeat",
        "schedule": schedule(30.0),
        "options": STALE | {"queue": queue},
    }
    for queue in WORKER_QUEUES
}
