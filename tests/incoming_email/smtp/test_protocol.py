"""STARTTLS at the listener, and which networks may connect."""

import smtplib
import socket
import ssl
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from incoming_email.models import InboundEmail
from incoming_email.pipeline import processing
from incoming_email.smtp import listener as smtp
from incoming_email.smtp.protocol import TlsFilesError, is_allowed, make_tls_context
from tests.incoming_email.world import make_mail, make_world
from tests.servers.certificates import make_certificate
from tests.servers.dovecot import free_ports

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tls(settings, certificate):
    settings.SMTP_LISTENER_CERTIFICATE_FILE = str(certificate / "server.pem")
    settings.SMTP_LISTENER_KEY_FILE = str(certificate / "server.key")
    return ssl.create_default_context(cafile=str(certificate / "ca.pem"))


@pytest.fixture(params=[smtplib.SMTP, smtplib.LMTP], ids=["smtp", "lmtp"])
def connect(request):
    """A function that gives a client of the listener, which is started first."""
    (port,) = free_ports(1)
    opened = []

    def open_and_connect():
        is_lmtp = request.param is smtplib.LMTP
        opened.append(smtp.start_listener("127.0.0.1", port, lmtp=is_lmtp))
        client = request.param("localhost", port, **({} if is_lmtp else {"timeout": 20}))
        opened.append(client)
        client.ehlo()
        return client

    yield open_and_connect
    if opened[1:]:
        opened[1].close()
    opened[0].stop()


def test_mail_is_taken_by_starttls(connect, tls):
    world = make_world()
    client = connect()
    assert client.has_extn("starttls")
    client.starttls(context=tls)
    client.ehlo()
    content = make_mail(to="x@example.com", sender="ann@example.com")
    assert client.sendmail("ann@example.com", [world.reply_address()], content) == {}


@pytest.mark.parametrize(("networks", "status"), [([], "held"), (["127.0.0.0/8"], "processed")])
def test_proof_that_the_client_writes_itself_counts_from_a_trusted_relay_alone(
    connect, settings, networks, status
):
    """RFC 8601 section 5."""
    settings.TRUSTED_RELAY_NETWORKS = networks
    world = make_world(reply_sender_policy="require", trusted_authserv_id="mx.example.net")
    domain = world.member.email.partition("@")[2]
    content = make_mail(
        to=world.reply_address(),
        sender=world.member.email,
        Authentication_Results=f"mx.example.net; dmarc=pass header.from={domain}",
    )
    connect().sendmail("ann@example.com", [world.reply_address()], content)
    row = InboundEmail.objects.get()
    processing.process(row.pk)
    row.refresh_from_db()
    assert (row.peer, row.status) == ("127.0.0.1", status)
    if status == "held":
        (step,) = (step for step in row.trace if step["step"] == "authentication")
        assert "127.0.0.1 is not in TRUSTED_RELAY_NETWORKS" in step["because"]


def test_without_a_certificate_there_is_no_starttls(connect):
    assert not connect().has_extn("starttls")


def test_tls_may_be_required(connect, tls, settings):
    settings.SMTP_LISTENER_REQUIRE_TLS = True
    client = connect()
    assert client.mail("ann@example.com")[0] == 530
    client.starttls(context=tls)
    client.ehlo()
    assert client.mail("ann@example.com")[0] == 250


def test_commands_in_clear_behind_starttls_count_for_nothing(tls):
    """CVE-2011-0411: what a man in the middle puts there must not be taken for the client's."""
    (port,) = free_ports(1)
    listener = smtp.start_listener("127.0.0.1", port)
    try:
        with socket.create_connection(("localhost", port), 20) as plain:
            plain.recv(200)
            plain.sendall(b"EHLO x\r\n")
            heard = b""
            while b"250 " not in heard:
                heard += plain.recv(2000)
            plain.sendall(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.com>\r\n")
            assert plain.recv(200).startswith(b"220")
            with tls.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(b"MAIL FROM:<ann@example.com>\r\n")
                assert secure.recv(200).startswith(b"503")
    finally:
        listener.stop()


def test_a_renewed_certificate_counts_without_a_restart(settings, certificate, tmp_path):
    for name in ("ca.pem", "ca.key"):
        (tmp_path / name).write_bytes((certificate / name).read_bytes())
    make_certificate(tmp_path, "listener", ["localhost"])
    settings.SMTP_LISTENER_CERTIFICATE_FILE = str(tmp_path / "listener.pem")
    settings.SMTP_LISTENER_KEY_FILE = str(tmp_path / "listener.key")
    first = make_tls_context()
    assert make_tls_context() is first
    make_certificate(tmp_path, "listener", ["localhost"])
    assert make_tls_context() is not first


def test_a_certificate_that_is_not_there_stops_the_listener(settings, tmp_path):
    settings.SMTP_LISTENER_CERTIFICATE_FILE = str(tmp_path / "none.pem")
    with pytest.raises(TlsFilesError, match="No such file"):
        smtp.start_listener("127.0.0.1", 0)
    with pytest.raises(CommandError, match="SMTP_LISTENER_CERTIFICATE_FILE"):
        call_command("serve_smtp", stdout=StringIO())


NETWORKS = ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("192.0.2.9", True),
        ("192.0.3.9", False),
        ("::ffff:192.0.2.9", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        ("198.51.100.7", True),
        ("198.51.100.8", False),
        ("127.0.0.1", True),
        ("::1", True),
    ],
)
def test_named_networks_and_this_machine_may_come(peer, allowed):
    assert is_allowed(peer, NETWORKS) is allowed
    assert is_allowed(peer, [])


def test_another_network_is_told_so(monkeypatch, settings):
    """All of loopback is this machine, so what counts as loopback is what this test changes."""
    settings.SMTP_LISTENER_NETWORKS = ["192.0.2.0/24"]
    (port,) = free_ports(1)
    listener = smtp.start_listener("127.0.0.1", port)
    try:
        monkeypatch.setattr("ipaddress.IPv4Address.is_loopback", property(lambda _: False))
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            assert client.recv(200).startswith(b"554 5.7.1")
            assert client.recv(200) == b""
        monkeypatch.undo()
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            assert client.noop()[0] == 250
    finally:
        monkeypatch.undo()
        listener.stop()
