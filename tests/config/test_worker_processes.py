"""Who does tasks of a queue serves it, however long the heartbeats of beat wait in it."""

from types import SimpleNamespace

import pytest
from django.utils import timezone

from config import worker_processes
from incoming_email.models import Heartbeat, heartbeats

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _begun(monkeypatch):
    monkeypatch.setattr(worker_processes, "_next_heartbeat", {})


def do_task(queue, *, is_eager=False):
    request = SimpleNamespace(is_eager=is_eager, delivery_info={"routing_key": queue})
    worker_processes.record_heartbeat(task=SimpleNamespace(request=request))


def test_each_task_is_a_heartbeat_of_its_queue():
    do_task("outgoing")
    assert heartbeats.is_alive(heartbeats.WORKER, now=timezone.now())
    assert heartbeats.find_unserved(now=timezone.now()) == ["incoming", "fetching", "upkeep"]


def test_it_is_not_written_at_each_of_many(django_assert_num_queries):
    do_task("incoming")
    with django_assert_num_queries(0):
        do_task("incoming")
    do_task("fetching")
    assert heartbeats.find_unserved(now=timezone.now()) == ["outgoing", "upkeep"]


@pytest.mark.parametrize("words", [{"queue": "celery"}, {"queue": "incoming", "is_eager": True}])
def test_what_comes_by_no_queue_is_none(words):
    do_task(**words)
    assert not Heartbeat.objects.exists()
