"""Servers of the installation: a yes, and every no with the server's own words."""

import pytest
from celery import current_app
from kombu import Connection

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.describing import describe_error
from incoming_email.monitoring.health import servers
from tests.servers.dovecot import free_ports

YES, NO = Answer.YES, Answer.NO


@pytest.fixture
def broker(monkeypatch):
    """Sets the broker by its URL."""

    def choose(url: str, **options: object) -> None:
        def connect(**settings: object) -> Connection:
            return Connection(url, transport_options=options, **settings)

        monkeypatch.setattr(current_app, "connection_for_write", connect)

    return choose


def find_broker() -> Finding:
    (finding,) = servers.find_broker(timeout=2)  # a broker that is down is asked until then
    return finding


def test_broker_that_answers():
    assert find_broker() == Finding("broker", YES, "tasks can be queued")


def test_folder_broker(broker, tmp_path):
    broker("filesystem://", data_folder_out=str(tmp_path))
    assert find_broker() == Finding("broker", YES, f"the folder {tmp_path} can be written to")
    assert list(tmp_path.iterdir()) == []


def test_folder_broker_without_its_folder(broker, tmp_path):
    broker("filesystem://", data_folder_out=str(tmp_path / "queue"))
    finding = find_broker()
    assert (finding.answer, "No such file or directory" in finding.detail) == (NO, True)
    assert finding.remedy == "Make the folder, or give this user the right to write to it."


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_broker_that_is_down(broker, scheme):
    (port,) = free_ports(1)
    broker(f"{scheme}://user:broker-secret@127.0.0.1:{port}//")
    finding = find_broker()
    assert (finding.answer, "refused" in finding.detail) == (NO, True)
    assert "broker-secret" not in f"{finding}"


def test_broker_of_an_unknown_kind(broker):
    broker("carrier-pigeon://127.0.0.1//")
    finding = find_broker()
    assert (finding.answer, "No such transport" in finding.detail) == (NO, True)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("redis://:broker-secret@redis.example.com/0", "redis.example.com:6379"),
        ("amqp://user:broker-secret@mq.example.com:5673//", "mq.example.com:5673"),
        ("amqp://a.example.com//;amqp://b.example.com//", "a.example.com:5672"),
        ("redis://[::1]:6380/0", "[::1]:6380"),
        ("filesystem://", ""),
        ("redis://host:port/0", ""),
    ],
)
def test_name_of_the_broker_has_no_password(settings, url, server):
    settings.CELERY_BROKER_URL = url
    assert servers.examine_broker(timeout=1).server == server


def test_words_hold_no_secret():
    error = OSError("login letterbox/top-secret refused")
    assert describe_error(error, "", "top-secret") == "login letterbox/[password] refused"
    assert describe_error(TimeoutError()) == "TimeoutError"
