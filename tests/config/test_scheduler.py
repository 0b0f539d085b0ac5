"""Beat goes on by the schedule that it knows while the database is away, then reads it anew."""

import datetime as dt
import time

import pytest
from celery.beat import SchedulingError
from django.db import OperationalError
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from config.celery import SCHEDULE, app
from config.queues import WORKER_QUEUES
from config.scheduler import AGAIN_SECONDS, Scheduler
from incoming_email.models import heartbeats

pytestmark = pytest.mark.django_db(transaction=True)  # it closes old connections
LONG_AGO = dt.timedelta(minutes=6)
"""It reads all rows anew each five minutes."""


def begin(kind):
    scheduler = kind(app=app)
    scheduler._finalize.cancel()  # would write to the database when the tests end
    scheduler.tick()
    scheduler._last_full_sync -= LONG_AGO
    return scheduler


@pytest.fixture
def away(monkeypatch):
    def fail(_scheduler):
        raise OperationalError("connection refused")

    monkeypatch.setattr(DatabaseScheduler, "enabled_models", fail)
    return monkeypatch


def test_celerys_own_scheduler_ends(request):
    scheduler = begin(DatabaseScheduler)
    request.getfixturevalue("away")
    with pytest.raises(OperationalError):
        scheduler.tick()


def test_ours_goes_on_and_reads_the_rows_as_soon_as_it_can(request):
    scheduler = begin(Scheduler)
    away = request.getfixturevalue("away")

    for _ in range(2):
        assert scheduler.tick() == AGAIN_SECONDS
    assert set(scheduler._schedule) >= set(SCHEDULE)

    away.undo()
    every_day = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.create(name="new", task="incoming_email.purge", interval=every_day)
    scheduler.tick()
    assert "new" in scheduler._schedule


def test_without_a_schedule_it_does_not_begin(away):
    with pytest.raises(OperationalError):
        Scheduler(app=app)


def test_its_first_word_is_a_heartbeat(monkeypatch):
    """A new row of django-celery-beat is due only after its interval."""
    sent = []
    monkeypatch.setattr(
        DatabaseScheduler,
        "apply_async",
        lambda _self, entry, **_words: sent.append(entry.task),
    )
    scheduler = Scheduler(app=app)
    scheduler._finalize.cancel()
    assert sent == ["incoming_email.heartbeat"] * len(WORKER_QUEUES)


def test_it_begins_though_no_heartbeat_can_be_sent(monkeypatch, caplog):
    def fail(*_, **__):
        raise SchedulingError("the broker is away")

    monkeypatch.setattr(DatabaseScheduler, "apply_async", fail)
    scheduler = Scheduler(app=app)
    scheduler._finalize.cancel()
    assert set(scheduler.schedule) >= set(SCHEDULE)
    assert "no heartbeat was sent at the start" in caplog.text


def test_it_records_its_own_heartbeat():
    """No worker has to answer for it."""
    begin(Scheduler)
    assert heartbeats.is_alive(heartbeats.BEAT, now=timezone.now())


def test_a_clock_that_was_set_back_stops_no_task():
    """What ran by the former clock would not run again before that time has come."""
    scheduler = begin(Scheduler)
    tomorrow = timezone.now() + dt.timedelta(days=1)
    PeriodicTask.objects.update(last_run_at=tomorrow)
    for entry in scheduler.schedule.values():
        entry.last_run_at = entry.model.last_run_at = tomorrow
    scheduler._heap = None
    scheduler.populate_heap()

    assert scheduler.tick() <= scheduler.max_interval
    soon = {name: scheduler.schedule[name].is_due().next <= SCHEDULE[name][1] for name in SCHEDULE}
    assert soon == dict.fromkeys(SCHEDULE, True)
    first, *_others = scheduler._heap
    assert first.time - time.time() <= min(seconds for _task, seconds in SCHEDULE.values())
    scheduler.sync()
    assert not PeriodicTask.objects.filter(last_run_at__gt=timezone.now()).exists()
