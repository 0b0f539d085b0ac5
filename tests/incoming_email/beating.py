"""Heartbeats of beat and of a worker for each queue."""

from django.conf import settings

from incoming_email.models import heartbeats

QUEUES = settings.WORKER_QUEUES


def record_all_workers(*, now, queues=QUEUES):
    workers = map(heartbeats.name_worker, queues)
    heartbeats.record_heartbeat(heartbeats.BEAT, heartbeats.WORKER, *workers, now=now)
