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

EVERY_MINUTE = schedule(60.0)
app.conf.beat_schedule = {
    "poll mailboxes": {
        "task": "incoming_email.poll_mailboxes",
        "schedule": schedule(float(settings.POLL_INTERVAL_SECONDS)),
    },
    "sweep inbound email": {"task": "incoming_email.sweep", "schedule": EVERY_MINUTE},
    "sweep outgoing email": {"task": "issues.sweep_outgoing_email", "schedule": schedule(30.0)},
    "heartbeat": {"task": "incoming_email.heartbeat", "schedule": schedule(30.0)},
}
