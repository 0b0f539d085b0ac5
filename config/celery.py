"""The Celery application and its beat schedule."""

import os

from celery import Celery
from celery.schedules import schedule
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["filesystem"] = "config.file_broker:Transport"
app = Celery("letterbox")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

STALE = {"expires": 60}
"""Seconds after which the next beat's task stands in: without a worker the broker must not fill."""

SCHEDULE = {
    "poll mailboxes": ("incoming_email.poll_mailboxes", float(settings.POLL_INTERVAL_SECONDS)),
    "sweep inbound email": ("incoming_email.sweep", 60.0),
    "sweep outgoing email": ("issues.sweep_outgoing_email", 30.0),
    "remove orphan files": ("issues.remove_orphan_files", 21600.0),
    "finish waiting series": ("incoming_email.finish_waiting_series", 300.0),
    "sweep repositories": ("issues.sweep_repositories", 60.0),
    "alerts": ("incoming_email.alert", 60.0),
    "held mail": ("incoming_email.tell_of_held_mail", 1800.0),
    "purge": ("incoming_email.purge", 3600.0),
    "custom addresses": ("servicedesk.give_up_verifications", 60.0),
    "heartbeat": ("incoming_email.heartbeat", 30.0),
}
app.conf.beat_schedule = {
    name: {"task": task, "schedule": schedule(seconds), "options": STALE}
    for name, (task, seconds) in SCHEDULE.items()
}
