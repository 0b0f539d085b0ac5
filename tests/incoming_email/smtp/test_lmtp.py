"""The LMTP listener: each recipient has a transaction and an answer of its own."""

import socket
from contextlib import closing

import pytest
from django.db import DatabaseError

from incoming_email.models import InboundEmail
from incoming_email.pipeline import receiving
from incoming_email.smtp import listener as smtp
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import free_ports

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = make_mail(to="x@example.com", sender="ann@example.com")


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def port(world):
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port, lmtp=True)
    yield port
    controller.stop()


class Client:
    """Says each line and gives the answer's first three digits, or its lines."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.file = self.socket.makefile("rwb")
        assert self.read() == "220"

    def close(self):
        self.file.close()
        self.socket.close()

    def read_line(self):
        return self.file.readline().decode().strip()

    def read(self):
        while (line := self.read_line())[3:4] == "-":
            pass
        return line[:3]

    def say(self, *lines):
        self.file.write("".join(f"{line}\r\n" for line in lines).encode())
        self.file.flush()

    def ask(self, line):
        self.say(line)
        return self.read()

    def deliver(self, recipients, content=MAIL):
        """Codes of the RCPT commands, and of what follows the data."""
        assert self.ask("LHLO mx.example.com") == "250"
        assert self.ask("MAIL FROM:<ann@example.com>") == "250"
        asked = [self.ask(f"RCPT TO:<{recipient}>") for recipient in recipients]
        assert self.ask("DATA") == "354"
        self.file.write(content + b".\r\n")
        self.file.flush()
        return asked, [self.read() for code in asked if code == "250"]


@pytest.fixture
def client(port):
    with closing(Client(port)) as client:
        yield client


def test_each_recipient_has_an_answer_of_its_own(world, client):
    recipients = [world.reply_address(), "nobody@example.com", world.issue_address()]
    assert client.deliver(recipients) == (["250", "550", "250"], ["250", "250"])
    assert InboundEmail.objects.count() == 2
    assert client.ask("NOOP") == "250"  # nothing is left over


def test_while_a_disk_is_nearly_full_the_mail_server_keeps_its_mail(client, settings):
    settings.CHECK_DISK_MIN_BYTES = 10**18
    assert client.ask("LHLO mx.example.com") == "250"
    assert client.ask("MAIL FROM:<ann@example.com>") == "452"


def test_one_that_fails_does_not_undo_the_other(world, client, monkeypatch):
    recipients = [world.reply_address(), world.issue_address()]
    real = receiving.store_together

    def fail_for_the_first(batches, *, now):
        if batches[0][1][0].recipient == recipients[0]:
            raise DatabaseError("gone")
        return real(batches, now=now)

    monkeypatch.setattr(receiving, "store_together", fail_for_the_first)
    assert client.deliver(recipients)[1] == ["451", "250"]
    assert [row.recipient for row in InboundEmail.objects.all()] == [recipients[1]]


def test_a_recipient_named_twice_is_answered_twice_and_stored_once(world, client):
    address = world.reply_address()
    assert client.deliver([address, address])[1] == ["250", "250"]
    assert InboundEmail.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"Subject: a\nb\r\n", "550"),  # a bare line feed
        (b"x" * 1_000_100 + b"\r\n", "500"),
        (b"Subject: a\r\n\r\n" + b"y\r\n" * 400, "552"),
    ],
)
def test_what_is_refused_as_a_whole_is_answered_for_each(world, port, settings, content, code):
    settings.MAX_MESSAGE_BYTES = 1_000 if code == "552" else 10_000_000
    with closing(Client(port)) as client:
        recipients = [world.reply_address(), world.issue_address()]
        assert client.deliver(recipients, content)[1] == [code, code]
        assert client.ask("NOOP") == "250"


def test_a_fault_of_ours_is_answered_for_each_and_never_for_good(world, client, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(receiving, "store_together", fail)
    assert client.deliver([world.reply_address(), world.issue_address()])[1] == ["451", "451"]
    assert client.ask("NOOP") == "250"


def test_commands_may_come_all_at_once(world, client):
    client.say("LHLO mx.example.com")
    lines = [client.read_line() for _ in range(2)]
    while lines[-1][3:4] == "-":
        lines.append(client.read_line())
    assert "250-PIPELINING" in lines
    client.say("MAIL FROM:<>", f"RCPT TO:<{world.reply_address()}>", "DATA")
    assert [client.read() for _ in range(3)] == ["250", "250", "354"]
    client.file.write(MAIL + b".\r\nQUIT\r\n")
    client.file.flush()
    assert [client.read() for _ in range(2)] == ["250", "221"]


@pytest.mark.parametrize("greeting", ["HELO x", "EHLO x"])
def test_the_greeting_of_smtp_is_refused(client, greeting):
    assert client.ask(greeting) == "500"


def test_without_a_recipient_there_is_no_data(client):
    client.ask("LHLO x")
    client.ask("MAIL FROM:<>")
    assert client.ask("DATA") == "503"
