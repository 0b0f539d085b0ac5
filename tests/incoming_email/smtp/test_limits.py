"""Clients that are too many, too slow or too curious cost the listener little."""

import smtplib
import socket
import ssl
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest

from incoming_email.models import InboundEmail
from incoming_email.pipeline import receiving
from incoming_email.smtp import listener as smtp
from incoming_email.smtp import protocol
from incoming_email.smtp.limits import TOO_MANY, TOO_MANY_OF_YOURS, Clients
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import free_ports
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address():
    return make_world().reply_address()


@pytest.fixture
def listening():
    """Starts it, with the settings of the moment; gives the port."""
    with ExitStack() as stack:

        def listening(**kind):
            (port,) = free_ports(1)
            controller = smtp.start_listener("127.0.0.1", port, **kind)
            stack.callback(controller.stop)
            return port

        yield listening


@contextmanager
def connected(port, *, source="127.0.0.1"):
    with socket.create_connection(
        ("127.0.0.1", port), timeout=PATIENCE_SECONDS, source_address=(source, 0)
    ) as client:
        yield client


def hear(client):
    """All up to the end of the connection."""
    with client.makefile("rb") as file:
        return file.read()


def say(client, *lines):
    """Each line is answered by one; gives the last answer."""
    answer = b""
    for line in lines:
        client.sendall(line.encode() + b"\r\n")
        answer = client.recv(2000)
    return answer.decode()


def begin(client, address, *, greeted=False):
    """As far as the content."""
    assert greeted or client.recv(2000).startswith(b"220")
    return say(client, "HELO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{address}>", "DATA")


def is_hung_up(client, drip):
    """After some time, however it goes on to talk."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < PATIENCE_SECONDS:
            client.sendall(drip)
            time.sleep(0.05)
    except OSError:
        return True
    return False


def fill(client):
    """Ask for so much that the buffers of both ends are full."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            client.send(b"EHLO x\r\n" * 1000)


def send(port, address, **more):
    content = make_mail(to="x@example.com", sender="ann@example.com", **more)
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_SECONDS) as client:
        return client.sendmail("ann@example.com", [address], content)


@pytest.mark.parametrize("kind", [{}, {"lmtp": True}], ids=["smtp", "lmtp"])
def test_one_address_has_so_many_connections_and_others_still_come(listening, settings, kind):
    settings.SMTP_LISTENER_MAX_CONNECTIONS_PER_ADDRESS = 2
    port = listening(**kind)
    with connected(port) as first, connected(port) as second:
        assert first.recv(200)[:3] == second.recv(200)[:3] == b"220"
        with connected(port) as third:
            assert hear(third).decode().strip() == TOO_MANY_OF_YOURS
        with connected(port, source="127.0.0.2") as other:
            assert other.recv(200).startswith(b"220")
    wait_until(lambda: is_greeted(port))


def is_greeted(port):
    with connected(port) as client:
        return client.recv(200).startswith(b"220")


def test_there_are_so_many_connections_in_all(listening, settings):
    settings.SMTP_LISTENER_MAX_CONNECTIONS = 2
    port = listening()
    with connected(port) as first, connected(port, source="127.0.0.2") as second:
        assert first.recv(200)[:3] == second.recv(200)[:3] == b"220"
        with connected(port, source="127.0.0.3") as third:
            assert hear(third).decode().strip() == TOO_MANY
    wait_until(lambda: is_greeted(port))


def test_a_connection_counts_once_and_is_forgotten_also_by_tls(listening, settings, certificate):
    settings.SMTP_LISTENER_CERTIFICATE_FILE = str(certificate / "server.pem")
    settings.SMTP_LISTENER_KEY_FILE = str(certificate / "server.key")
    settings.SMTP_LISTENER_MAX_CONNECTIONS = 1
    port = listening()
    context = ssl.create_default_context(cafile=str(certificate / "ca.pem"))
    for _ in range(3):
        wait_until(lambda: is_greeted(port))
        with wait_for_client(port) as client:
            client.starttls(context=context)
            assert client.ehlo()[0] == 250
    for _ in range(3):  # a handshake that fails
        with wait_for_client(port) as client:
            client.ehlo()
            client.docmd("STARTTLS")
            client.sock.sendall(b"rubbish\r\n" * 9)
            client.close()
    wait_until(lambda: is_greeted(port))


def wait_for_client(port):
    """The connection before it may not be forgotten yet."""
    made = []

    def connect():
        try:
            made.append(smtplib.SMTP("localhost", port, timeout=PATIENCE_SECONDS))
        except smtplib.SMTPConnectError:
            return False
        return True

    wait_until(connect)
    return made[0]


def test_ipv6_counts_by_the_network_of_a_client(settings):
    settings.SMTP_LISTENER_MAX_CONNECTIONS_PER_ADDRESS = 1
    clients = Clients()
    peers = ["2a02:1:2:3::1", "2a02:1:2:3::2", "2a02:1:2:4::1", "::ffff:192.0.2.1", "192.0.2.1"]
    said = [clients.refuse(number, peer) for number, peer in enumerate(peers)]
    assert said == ["", TOO_MANY_OF_YOURS, "", "", TOO_MANY_OF_YOURS]
    for number in (0, 0, 1):
        clients.forget(number)
    assert clients.refuse(9, "2a02:1:2:3::9") == ""


def test_messages_that_are_not_finished_take_so_much_memory(listening, settings, address):
    """What does not fit is put off; small mail is taken all the time."""
    settings.SMTP_LISTENER_MAX_BYTES = 5_000_000
    port = listening()
    line = b"x" * 998 + b"\r\n"
    with ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(connected(port))
            assert begin(client, address).startswith("354")
            client.sendall(line * 2_200)
        wait_until(lambda: is_full(port, address, line))
        send(port, address, body="small")
    wait_until(lambda: not is_full(port, address, line))
    assert InboundEmail.objects.count() >= 2


def is_full(port, address, line):
    """Whether a message of 2 MB is put off."""
    with connected(port) as client:
        assert begin(client, address).startswith("354")
        client.sendall(b"Subject: x\r\n\r\n" + line * 2_000 + b".\r\n")
        answer = client.recv(2000)
    assert answer[:9] in {b"452 4.3.1", b"250 2.0.0"}
    return answer.startswith(b"452")


def test_unknown_recipients_are_answered_more_slowly_and_then_no_more(
    listening, settings, address, monkeypatch
):
    settings.SMTP_LISTENER_MAX_BAD_RECIPIENTS = 6
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(smtp.asyncio, "sleep", sleep)
    port = listening()
    with connected(port) as client:
        client.recv(200)
        say(client, "HELO x", "MAIL FROM:<a@b.example>")
        said = [say(client, f"RCPT TO:<x{number}@nowhere.example>")[:9] for number in range(6)]
        assert said == [*["550 5.1.1"] * 5, "421 4.7.0"]
        assert hear(client) == b""
    assert slept == [0, 0, 0, 1, 2]


def test_a_message_in_between_begins_the_count_anew(listening, settings, address):
    settings.SMTP_LISTENER_MAX_BAD_RECIPIENTS = 3
    port = listening()
    with connected(port) as client:
        client.recv(200)
        for _ in range(3):
            said = say(
                client,
                *("HELO x", "MAIL FROM:<a@b.example>"),
                *("RCPT TO:<x@nowhere.example>", "RCPT TO:<y@nowhere.example>"),
                *(f"RCPT TO:<{address}>", "DATA", "Subject: x\r\n\r\nHello\r\n."),
            )
            assert said.startswith("250")


@pytest.mark.parametrize("words", [b"", b"HELO", b"NOOP\r\n" + b"x" * 2000])
def test_a_command_has_a_deadline(listening, settings, words):
    settings.SMTP_LISTENER_COMMAND_SECONDS = 1
    port = listening()
    with connected(port) as client:
        client.sendall(words)
        assert hear(client).rstrip().endswith(protocol.TOO_SLOW.encode())


def test_content_that_drips_has_a_deadline_and_is_not_kept(listening, settings, address):
    settings.SMTP_LISTENER_COMMAND_SECONDS = 1
    port = listening()
    with connected(port) as client:
        assert begin(client, address).startswith("354")
        assert is_hung_up(client, b"x\r\n")
    assert not InboundEmail.objects.exists()


def test_a_connection_does_not_last_for_ever(listening, settings):
    settings.SMTP_LISTENER_SESSION_SECONDS = 1
    port = listening()
    with connected(port) as client:
        assert is_hung_up(client, b"NOOP\r\n")


def test_what_is_being_stored_is_answered(listening, settings, address, monkeypatch):
    """The client would send it again, and it would be there twice."""
    settings.SMTP_LISTENER_SESSION_SECONDS = 1
    monkeypatch.setattr(protocol, "BUSY_SECONDS", 0.5)
    store = receiving.store_together

    def store_slowly(*args, **options):
        time.sleep(2)
        return store(*args, **options)

    monkeypatch.setattr(receiving, "store_together", store_slowly)
    assert send(listening(), address) == {}
    assert InboundEmail.objects.count() == 1


def test_a_client_that_reads_nothing_is_hung_up_on(listening, settings, monkeypatch):
    settings.SMTP_LISTENER_COMMAND_SECONDS = 1
    settings.SMTP_LISTENER_MAX_CONNECTIONS = 1
    monkeypatch.setattr(protocol, "LAST_WORD_SECONDS", 0.5)
    port = listening()
    with connected(port) as client:
        fill(client)
        wait_until(lambda: is_greeted(port))


@pytest.mark.parametrize(
    "name",
    [
        *("MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS", "MAX_BYTES", "MAX_BAD_RECIPIENTS"),
        *("COMMAND_SECONDS", "SESSION_SECONDS"),
    ],
)
def test_0_is_no_limit(listening, settings, address, name):
    setattr(settings, f"SMTP_LISTENER_{name}", 0)
    assert send(listening(), address) == {}
