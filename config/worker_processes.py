"""What a worker's processes do besides tasks: signs of life, a watchdog, and an end in time.

At SIGTERM the worker takes no more tasks, and work in batches stops after its batch. What still
runs after WORKER_SHUTDOWN_SECONDS is left by an exception, and gives back what it has claimed.
"""

import os
import signal
import time
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from celery import bootsteps
from celery.signals import task_postrun, task_prerun, worker_process_init, worker_ready
from django.conf import settings
from django.utils import timezone

from config.celery import app
from incoming_email.models import heartbeats
from issues import connections, stopping, watchdog

FEED_SECONDS = 10.0
HEARTBEAT_SECONDS = 10.0
"""A process writes no more often that it takes tasks from a queue."""

_next_heartbeat: dict[str, float] = {}


class Watched(bootsteps.StartStopStep):
    """The watchdog of the worker's event loop. It rests while the broker is away: there is no loop
    then, and Celery tries to connect again for as long as it takes."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        watchdog.feed()
        parent.timer.call_repeatedly(FEED_SECONDS, watchdog.feed)

    def stop(self, parent: Any) -> None:
        watchdog.rest()


app.steps["consumer"].add(Watched)


@task_prerun.connect
@task_postrun.connect
def record_heartbeat(*, task: Any, **_: Any) -> None:
    """Whoever does tasks of a queue serves it: a heartbeat of beat may wait behind many of them."""
    queue = (task.request.delivery_info or {}).get("routing_key")
    if task.request.is_eager or queue not in settings.WORKER_QUEUES:
        return
    if time.monotonic() < _next_heartbeat.get(queue, 0.0):
        return
    _next_heartbeat[queue] = time.monotonic() + HEARTBEAT_SECONDS
    names = heartbeats.WORKER, heartbeats.name_worker(queue)
    with connections.surviving_faults("sign of life"):
        heartbeats.record_heartbeat(*names, now=timezone.now())


@worker_ready.connect
def prepare_to_stop(*, sender: Any, **_: Any) -> None:
    """In the process that takes tasks. Celery's own handlers, which do the rest, follow."""
    signal.signal(signal.SIGALRM, partial(_leave_tasks, sender.pool))
    stopping.prepare(signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def _leave_tasks(pool: Any, _number: int, _frame: FrameType | None) -> None:
    """The time after SIGTERM is over: tasks are left, and then the kernel ends us."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(stopping.END_SECONDS)
    for pid in pool.info["processes"]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


@worker_process_init.connect
def leave_at_sigterm(**_: Any) -> None:
    """In a process that does tasks."""
    signal.signal(signal.SIGTERM, _leave_task)


def _leave_task(_number: int, _frame: FrameType | None) -> None:
    """Not past its time limit: SIGKILL comes then, and the attempt has to count."""
    if stopping.is_requested() or app.current_worker_task is None:
        raise SystemExit
