"""The embedded broker loses no whole message and survives half-written files."""

import threading
import time
import uuid
from contextlib import closing

import pytest
from kombu import Connection
from kombu.asynchronous import Hub
from kombu.exceptions import ChannelError

from config.file_broker import Transport
from tests.waiting import join_all

INTERVAL = 1.0
MANY = 16


@pytest.fixture
def folders(tmp_path):
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def connection(folders):
    options = {
        "data_folder_in": str(folders / "queue"),
        "data_folder_out": str(folders / "queue"),
        "control_folder": str(folders / "control"),
    }
    with Connection("filesystem://", transport_options=options) as connection:
        yield connection


@pytest.fixture
def queue(connection):
    """Of a name of its own: kombu remembers for the life of a process what it has bound."""
    with connection.SimpleQueue(uuid.uuid4().hex) as queue:
        yield queue


def take_all(queue):
    taken = []
    while True:
        try:
            message = queue.get_nowait()
        except queue.Empty:
            return taken
        message.ack()
        taken.append(message.payload)


def test_the_application_uses_it(connection):
    assert isinstance(connection.transport, Transport)


def test_messages_come_in_order(queue):
    for number in range(3):
        queue.put({"id": number})
    assert take_all(queue) == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert take_all(queue) == []


@pytest.mark.parametrize("content", [b"", b'{"body": "abc', b"\xff\xfe"])
def test_a_broken_message_stops_nobody(queue, folders, content):
    (folders / f"queue/0_broken.{queue.queue.name}.msg").write_bytes(content)
    queue.put("whole")
    assert take_all(queue) == ["whole"]
    assert list((folders / "queue").iterdir()) == []


def test_a_message_has_its_name_only_when_whole(queue, folders, monkeypatch):
    seen = []
    write = type(folders).write_text

    def spy(path, text):
        seen.append((path.suffix, take_all(queue)))
        return write(path, text)

    monkeypatch.setattr(type(folders), "write_text", spy)
    queue.put("whole")
    assert seen == [(".draft", [])]
    assert take_all(queue) == ["whole"]


def test_a_folder_that_is_gone_is_said(queue, folders):
    (folders / "queue").rmdir()
    with pytest.raises(ChannelError, match="Cannot add a message"):
        queue.put("lost")


@pytest.mark.parametrize("content", ["", '[["work", "", "wo'])
def test_a_broken_table_of_queues_is_made_anew(connection, folders, content):
    channel = connection.channel()
    (folders / "control/news.exchange").write_text(content)
    assert channel.get_table("news") == []
    channel._queue_bind("news", "key", "", "work")
    assert [tuple(row) for row in channel.get_table("news")] == [("key", "", "work")]


def test_many_at_once_bind_their_queues(connection):
    channel = connection.channel()
    names = [f"queue{number}" for number in range(20)]
    threads = [
        threading.Thread(target=channel._queue_bind, args=("news", "key", "", name))
        for name in names
    ]
    for thread in threads:
        thread.start()
    join_all(*threads)
    assert sorted(row.queue for row in channel.get_table("news")) == sorted(names)


def test_a_worker_that_has_had_enough_gets_more_as_soon_as_it_can(connection):
    """By its event loop, and not only by the clock."""
    connection.transport.polling_interval = INTERVAL
    hub = Hub()
    taken = []
    channel = connection.default_channel
    queue = connection.SimpleQueue(uuid.uuid4().hex)
    for number in range(MANY):
        queue.put(number)

    def take(body, message):
        taken.append(body)
        hub.call_later(0.01, message.ack)

    channel.basic_qos(0, 1, False)  # one that is not acknowledged is enough
    connection.register_with_event_loop(hub)
    with closing(hub), channel.Consumer(queue.queue, callbacks=[take]):
        begun, loop = time.monotonic(), hub.create_loop()
        while len(taken) < MANY and time.monotonic() - begun < MANY * INTERVAL:
            next(loop)
    assert taken == list(range(MANY))
    assert time.monotonic() - begun < MANY * INTERVAL / 2
