"""Each failure of a mailbox is provoked at a server; the command says the cause and what to do."""

import shutil
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from incoming_email.models import Mailbox
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.monitoring.health.asking import refusal
from tests.servers.certificates import make_certificate
from tests.servers.dovecot import Dovecot, free_ports, password_of
from tests.servers.fake_imap import FakeImap
from tests.servers.talking import talking

pytestmark = pytest.mark.django_db(transaction=True)
services = pytest.mark.services
ADDRESS = "incoming+%{key}@in.example.com"


def make_imap(server: Dovecot | FakeImap, user: str = "user", **changes: object) -> Mailbox:
    given = {"host": "localhost", "port": server.port, "user": user, "address": ADDRESS}
    return MailboxFactory(**(given | {"password": password_of(user)} | changes))


@contextmanager
def changed_certificate(name: str, days: int):
    """A Dovecot whose certificate is another one; its CA file is right."""
    with Dovecot() as server:
        folder = Path(server.ca_file).parent
        make_certificate(folder, "server", [name], days=days)
        server.restart()
        yield server


# IMAP


@services
def test_wrong_password(dovecot, imap_user):
    make_imap(dovecot, imap_user, password="wrong")
    assert refusal("login") == (
        "[AUTHENTICATIONFAILED] Authentication failed.",
        "Check user and password; some providers want an app password here.",
    )


def test_connection_refused_at_a_wrong_port():
    (port,) = free_ports(1)
    MailboxFactory(host="localhost", port=port, address=ADDRESS)
    detail, remedy = refusal("tcp")
    assert detail == "[Errno 111] Connection refused"
    assert remedy == "Check host and port, and whether the mail server runs."


def test_another_kind_of_server_at_a_wrong_port():
    with talking(b"220 mail.example.com ESMTP\r\n") as port:
        MailboxFactory(host="localhost", port=port, address=ADDRESS)
        detail, remedy = refusal("login")
    assert "220 mail.example.com ESMTP" in detail
    assert remedy == ("Check the port: what answers there is no IMAP server, or sends rubbish.")


@services
def test_tls_at_a_port_without_it(dovecot, imap_user, settings):
    settings.IMAP_CA_FILE = dovecot.ca_file
    make_imap(dovecot, imap_user, ssl=True)
    assert refusal("tls")[1] == (
        "Does this port speak TLS at once? With STARTTLS (143), switch ssl off, start_tls on."
    )


@services
@pytest.mark.slow
def test_no_tls_at_a_port_that_wants_it(dovecot, imap_user):
    make_imap(dovecot, imap_user, port=dovecot.tls_port)
    detail, remedy = refusal("login")
    assert detail.startswith("no answer in time")
    assert remedy == (
        "Check host, port and firewall; a port that expects TLS at once (993) needs ssl on."
    )


@services
@pytest.mark.parametrize(
    ("name", "days", "cause", "remedy"),
    [
        ("localhost", -1, "has expired", "Renew the certificate on the mail server."),
        (
            "imap.example.com",
            30,
            "Hostname mismatch",
            "Use as host the name that the certificate was issued for.",
        ),
    ],
    ids=["expired", "of another name"],
)
def test_certificate(settings, name, days, cause, remedy):
    with changed_certificate(name, days) as server:
        settings.IMAP_CA_FILE = server.ca_file
        make_imap(server, server.take_user(), port=server.tls_port, ssl=True)
        detail, told = refusal("tls")
    assert detail.startswith("the certificate is refused: ")
    assert cause in detail
    assert told == remedy


@services
def test_self_signed_certificate():
    with Dovecot() as server:
        folder = Path(server.ca_file).parent
        shutil.copy(folder / "ca.pem", folder / "server.pem")
        shutil.copy(folder / "ca.key", folder / "server.key")
        server.restart()
        make_imap(server, server.take_user(), start_tls=True)
        detail, remedy = refusal("tls")
    assert detail == "the certificate is refused: self-signed certificate"
    assert remedy == "Name the PEM file of the authority that signed it as the account's CA file."


@services
def test_missing_folder(dovecot, imap_user):
    make_imap(dovecot, imap_user, folder="Support")
    assert refusal("folder") == (
        "the folder Support does not exist; there are: INBOX",
        "Choose one of these folders, or make the folder on the server.",
    )


def test_read_only_folder():
    with FakeImap({}) as server:
        server.script("SELECT", b"* 0 EXISTS\r\n* OK [READ-ONLY] no\r\nTAG OK [READ-ONLY] ok\r\n")
        make_imap(server)
        assert refusal("folder")[1] == "Give this user the right to change flags in the folder."


@services
def test_no_idle(plain_dovecot):
    make_imap(plain_dovecot, plain_dovecot.take_user())
    assert refusal("capabilities", answer="warn") == (
        "the server has no IDLE",
        "Mail is asked for at intervals instead; nothing to do.",
    )


@pytest.mark.slow
def test_silent_server():
    with talking(b"") as port:
        MailboxFactory(host="localhost", port=port, address=ADDRESS)
        detail, remedy = refusal("login")
    assert detail.startswith("no answer in time")
    assert remedy.startswith("Check host, port and firewall")


def test_name_that_the_dns_does_not_know():
    MailboxFactory(host="mail.no-such-host.invalid", address=ADDRESS)
    detail, remedy = refusal("dns")
    assert detail
    assert remedy == "Check the host name mail.no-such-host.invalid and this machine's DNS."


@services
def test_clock_that_is_behind_that_of_the_mail_server(dovecot, imap_user):
    with dovecot.session(imap_user) as client:
        ahead = timezone.now() + timedelta(minutes=10)
        client.append("INBOX", b"Subject: from the future\r\n\r\n", msg_time=ahead)
    make_imap(dovecot, imap_user)
    detail, remedy = refusal("clock", answer="warn")
    assert detail.startswith("the mail server says that its newest message came ")
    assert 500 < int("".join(filter(str.isdigit, detail))) <= 601
    assert remedy.startswith("Let the time be set by the network (NTP)")


# What the row says


@pytest.mark.parametrize(
    ("address", "answer", "detail"),
    [
        (
            "incoming@in.example.com",
            "warn",
            "the address has no %{key}, so it accepts replies only",
        ),
        (
            "incoming@%{key}.example.com",
            "no",
            "address: %{key} must stand before the @, not in the domain.",
        ),
    ],
    ids=["is missing", "stands in the domain"],
)
def test_key_that(address, answer, detail):
    with FakeImap({}) as server:
        make_imap(server, address=address)
        found = refusal("configuration", answer=answer)
    assert found[0] == detail
    assert found[1]


def test_two_mailboxes_on_one_folder():
    with FakeImap({}) as server:
        make_imap(server, name="first")
        make_imap(server, name="second", address="other+%{key}@in.example.com")
        assert refusal("same folder", "--mailbox", "first") == (
            "these mailboxes read the same folder: second",
            "Give each mailbox a folder or a user of its own, or switch one of them off.",
        )
