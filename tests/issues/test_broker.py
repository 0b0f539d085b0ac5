"""Nobody waits for the broker: away, stopped, silent; what was noted goes out once it is back."""

import os
import signal
import time

import pytest
import redis
from celery.exceptions import OperationalError

from issues import broker
from tests.servers.brokers import running_redis
from tests.servers.dovecot import free_ports
from tests.servers.talking import talking
from tests.waiting import wait_until

TASK = "issues.deliver_outgoing_email"
OTHER_TASK = "issues.remove_orphan_files"
"""Lies in another queue than what a test before tries to hand over until it is stale."""


@pytest.fixture
def sender(monkeypatch):
    sender = broker.Sender()
    monkeypatch.setattr(broker, "_sender", sender)
    monkeypatch.setattr(broker, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(broker, "SECONDS", 1.0)
    yield sender
    sender.close(0)


def use(monkeypatch, url):
    monkeypatch.setenv("CELERY_BROKER_URL", url)


def find_silent_urls(port):
    return (f"redis://127.0.0.1:{port}/0", f"amqp://guest:guest@127.0.0.1:{port}//")


@pytest.mark.parametrize("kind", [0, 1])
def test_nobody_waits_for_a_broker_that_never_answers(sender, monkeypatch, kind):
    with talking(b"") as port:
        use(monkeypatch, find_silent_urls(port)[kind])
        began = time.monotonic()
        for _ in range(100):
            broker.send(TASK)
        # Before, each of them waited for ever.
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("kind", [0, 1])
def test_the_end_of_a_process_does_not_wait_for_a_broker_that_is_away(sender, monkeypatch, kind):
    (port,) = free_ports(1)
    use(monkeypatch, find_silent_urls(port)[kind])
    broker.send(TASK)
    began = time.monotonic()
    sender.close(60)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("kind", [0, 1])
def test_what_must_be_handed_over_now_is_refused_in_time(monkeypatch, kind):
    monkeypatch.setattr(broker, "SECONDS", 0.3)
    with talking(b"") as port:
        use(monkeypatch, find_silent_urls(port)[kind])
        began = time.monotonic()
        with pytest.raises((OperationalError, OSError)):
            broker.hand_over(TASK)
        assert time.monotonic() - began < 10


def test_more_than_fits_is_dropped(sender, monkeypatch):
    monkeypatch.setattr(broker, "MAX_WAITING", 3)
    small = broker.Sender()
    monkeypatch.setattr(broker, "_sender", small)
    with talking(b"") as port:
        use(monkeypatch, find_silent_urls(port)[0])
        for _ in range(10):
            broker.send(TASK)
        assert small._waiting.qsize() <= 3


def test_a_fork_gets_a_sender_of_its_own(sender):
    read, write = os.pipe()
    with broker._sender._lock:  # as when another thread holds it
        pid = os.fork()
        if pid == 0:
            os.write(write, b"new" if broker._sender is not sender else b"old")
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        assert answer.read() == b"new"


@pytest.mark.services
def test_what_was_noted_while_redis_stood_still_goes_out_when_it_goes_on(sender, monkeypatch):
    with running_redis() as url:
        use(monkeypatch, url)
        server = redis.Redis.from_url(url)
        pid = server.info()["process_id"]
        broker.send(OTHER_TASK)
        wait_until(lambda: server.llen("upkeep") == 1)

        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            for _ in range(5):
                broker.send(OTHER_TASK)
            assert time.monotonic() - began < 3
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: server.llen("upkeep") >= 6)
        server.close()


@pytest.mark.services
def test_a_restart_of_redis_between_two_tasks_loses_none(sender, monkeypatch):
    with running_redis() as url:
        use(monkeypatch, url)
        broker.send(OTHER_TASK)
        with redis.Redis.from_url(url) as server:
            wait_until(lambda: server.llen("upkeep") == 1)
            server.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            broker.send(OTHER_TASK)
            wait_until(lambda: server.llen("upkeep") == 2)
