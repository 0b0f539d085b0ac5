"""Whatever an outgoing server does, an exchange with it ends, and what it has taken is not sent
again."""

import datetime as dt
import socket
import ssl
import threading
import time
from email import message_from_bytes

import pytest

from issues import connecting, outbox
from issues.models import OutgoingAccount, OutgoingEmail, OutgoingState
from issues.sending import EmailBackend
from issues.stopping import Budget
from tests.issues.outgoing import NOW, enqueue
from tests.issues.sending_steps import smtp_in_use
from tests.servers.scripted_smtp import drip, fall_silent, flood, hang_up, running_smtp

pytestmark = pytest.mark.django_db
EXCHANGE = 0.5
"""Seconds of the deadline here."""

AT_MOST = 20.0
"""A fault waits for ever, or for minutes."""

BAD_WAYS = {
    "a line now and then": drip(b"250-x\r\n"),
    "a byte now and then": drip(b"2"),
    "never": fall_silent,
    "lines without end": flood(b"250-and more\r\n"),
    "one line without end": flood(b"2"),
}
STAGES = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("way", BAD_WAYS)
def test_a_server_costs_one_bounded_time_whatever_it_does(settings, stage, way):
    for n in range(3):
        enqueue(n=n)
    with smtp_in_use(settings, exchange=EXCHANGE, script={stage: BAD_WAYS[way]}) as server:
        began = time.monotonic()
        assert outbox.deliver_due(now=NOW) == 0
        assert time.monotonic() - began < AT_MOST
        assert outbox.deliver_due(now=NOW) == 0, "a second look within the pause"
    assert server.connections == 1
    assert OutgoingEmail.objects.filter(state=OutgoingState.PENDING).count() == 3
    assert OutgoingAccount.objects.get().failing_since is not None


@pytest.mark.parametrize("encryption", ["STARTTLS", "implicit"])
def test_a_server_that_never_finishes_the_handshake(settings, encryption):
    enqueue()
    is_implicit = encryption == "implicit"
    script = {"greeting": fall_silent} if is_implicit else {"STARTTLS": b"220 go ahead"}
    extensions = ("STARTTLS",)
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = not is_implicit, is_implicit
    with smtp_in_use(settings, exchange=EXCHANGE, script=script, extensions=extensions):
        began = time.monotonic()
        assert outbox.deliver_due(now=NOW) == 0
        assert time.monotonic() - began < AT_MOST


def test_a_server_that_drips_at_log_in(settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ann", "of no value"
    enqueue()
    script = {"AUTH": drip(b"334 \r\n")}
    with smtp_in_use(settings, exchange=EXCHANGE, script=script, extensions=("AUTH LOGIN",)):
        began = time.monotonic()
        assert outbox.deliver_due(now=NOW) == 0
        assert time.monotonic() - began < AT_MOST


@pytest.mark.parametrize("way", [hang_up, fall_silent, drip(b"221-x\r\n")])
def test_what_was_taken_is_not_sent_again_whatever_the_server_says_to_quit(settings, way):
    settings.EMAIL_TIMEOUT = 1
    enqueue()
    with smtp_in_use(settings, exchange=EXCHANGE, script={"QUIT": way}) as server:
        assert outbox.deliver_due(now=NOW) == 1
        assert outbox.deliver_due(now=NOW + dt.timedelta(days=1)) == 0
    assert len(server.mails) == 1
    assert OutgoingEmail.objects.get().state == OutgoingState.SENT


def test_what_was_given_whole_and_not_answered_is_sent_again_by_the_same_id(settings):
    """Nobody can know whether the server has taken it."""
    enqueue()
    with smtp_in_use(settings, script={".": hang_up}) as server:
        assert outbox.deliver_due(now=NOW) == 0
        server.script = {}
        assert outbox.deliver_due(now=NOW + dt.timedelta(hours=1)) == 1
    ids = [message_from_bytes(mail)["Message-ID"] for mail in server.mails]
    assert ids == ["<notice-1@letterbox.localhost>"] * 2
    assert OutgoingEmail.objects.get().state == OutgoingState.SENT


def test_the_answer_to_a_whole_mail_is_waited_for_longer_than_silence(settings):
    """Filters look at the mail then; a client that gives up has it sent twice."""
    enqueue()

    def ponder(client):
        time.sleep(1.5)
        client.sendall(b"250 2.0.0 Ok\r\n")

    with smtp_in_use(settings, exchange=30, script={".": ponder}) as server:
        settings.EMAIL_TIMEOUT = 1
        assert outbox.deliver_due(now=NOW) == 1
    assert len(server.mails) == 1


def test_a_server_that_reads_nothing(settings):
    """A mail that is larger than the buffers of the network."""
    enqueue(text="x" * 76 + "\n" + ("y" * 76 + "\n") * 400_000)

    def read_nothing(client):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"354 go on\r\n")
        time.sleep(EXCHANGE + 3)
        raise OSError

    with smtp_in_use(settings, exchange=EXCHANGE, script={"DATA": read_nothing}):
        began = time.monotonic()
        assert outbox.deliver_due(now=NOW) == 0
        assert time.monotonic() - began < AT_MOST


def test_a_name_that_dns_does_not_answer_for(settings, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: release.wait(60))
    backend = EmailBackend(host="mail.example.com", port=25, exchange_seconds=0.3)
    with pytest.raises(TimeoutError, match="no answer from DNS about mail\\.example\\.com"):
        backend.open()
    release.set()


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch):
    """As where IPv6 is announced and leads nowhere."""
    with running_smtp() as server, socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:  # fills the queue: later ones get no answer
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        lines = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            for port in (full.getsockname()[1], server.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: lines)
        with connecting.connect("mail.example.com", 25, seconds=2) as opened:
            assert opened.getpeername()[1] == server.port
        for each in waiting:
            each.close()


@pytest.mark.services
def test_what_is_said_in_clear_behind_starttls_counts_for_nothing(
    settings, monkeypatch, certificate
):
    """The extensions are those that are told by TLS (RFC 3207 section 4.2)."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "server.pem", certificate / "server.key")
    settings.EMAIL_USE_TLS = True
    script = {"STARTTLS": b"220 go\r\n250-mail.example.com\r\n250 XINJECTED"}
    with smtp_in_use(settings, script=script, extensions=("STARTTLS",), tls=tls):
        settings.EMAIL_HOST = "localhost"
        backend = EmailBackend()
        backend.open()
        assert backend.connection.esmtp_features == {"starttls": ""}
        backend.close()


def test_a_run_begins_nothing_more_after_its_time(settings):
    for n in range(3):
        enqueue(n=n)
    with smtp_in_use(settings) as server:
        assert outbox.deliver_due(now=NOW, budget=Budget.of(-1)) == 0
        assert server.connections == 0
        assert outbox.deliver_due(now=NOW) == 3
