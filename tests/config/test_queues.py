"""Each task has its queue, in one list; an upgrade leaves no task behind."""

from types import SimpleNamespace

import pytest
from celery import Celery

from config.celery import app, take_from_former_queue
from config.queues import FORMER, QUEUE_OF_TASK, WORKER_QUEUES


def find_tasks():
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith(("celery.", "tests."))}


def test_every_task_has_a_queue():
    assert find_tasks() == set(QUEUE_OF_TASK)
    assert set(QUEUE_OF_TASK.values()) == set(WORKER_QUEUES)


@pytest.mark.parametrize("task", QUEUE_OF_TASK)
def test_a_task_goes_to_its_queue_alone(task):
    queue = app.amqp.router.route({}, task)["queue"]
    others = [each for each in app.amqp.queues.values() if each is not queue]
    assert queue.name == QUEUE_OF_TASK[task]
    assert not any(
        (each.exchange.name, each.routing_key) == (queue.exchange.name, queue.routing_key)
        for each in others
    )


def test_beat_sends_a_heartbeat_by_each_queue():
    heartbeats = [
        entry["options"]["queue"]
        for entry in app.conf.beat_schedule.values()
        if entry["task"] == "incoming_email.heartbeat"
    ]
    assert heartbeats == list(WORKER_QUEUES)


@pytest.mark.parametrize(
    ("chosen", "takes_former"),
    [("", True), ("incoming,fetching", True), ("outgoing,upkeep", False)],
)
def test_a_worker_of_incoming_does_what_an_earlier_version_left(chosen, takes_former):
    worker = Celery("of the test", set_as_current=False)
    worker.conf.task_queues = app.conf.task_queues
    worker.amqp.queues.select([name for name in chosen.split(",") if name])
    take_from_former_queue(instance=SimpleNamespace(app=worker))
    served = set(worker.amqp.queues.consume_from)
    assert served == set(chosen.split(",") if chosen else WORKER_QUEUES) | (
        {FORMER} if takes_former else set()
    )
    if takes_former:
        assert worker.amqp.queues[FORMER].exchange.name == FORMER, "as earlier versions declared it"
