"""Servers that mail goes out by: a yes, and every no with the server's own words."""

import datetime as dt
import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.utils import timezone

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.monitoring.health import installation, outgoing, probing
from issues.models import OutgoingAccount
from tests.issues.sending_steps import smtp_in_use
from tests.servers.certificates import make_authority, make_certificate
from tests.servers.dovecot import free_ports
from tests.servers.programs import require_program
from tests.servers.talking import talking
from tests.servicedesk.customer_server import custom_email, running_customer_server
from tests.servicedesk.world import make_desk
from tests.waiting import PATIENCE_SECONDS, join_all

YES, NO, WARN, SKIPPED = Answer.YES, Answer.NO, Answer.WARN, Answer.SKIPPED
SMTP_BACKEND = "issues.sending.EmailBackend"


def find_outgoing() -> Finding:
    (finding,) = outgoing.find_outgoing(timeout=PATIENCE_SECONDS)
    return finding


def test_mail_that_is_kept_here_needs_no_server():
    examination = outgoing.examine_outgoing(timeout=1)
    assert (examination.probe, [f.answer for f in examination.before]) == (None, [SKIPPED])


@pytest.fixture
def mail_server(settings):
    """One that wants a log-in; its port is set."""

    def check(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=data.password == b"right-secret", handled=False)

    (port,) = free_ports(1)
    controller = Controller(
        object(),
        hostname="127.0.0.1",
        port=port,
        authenticator=check,
        auth_require_tls=False,
        auth_exclude_mechanism=["LOGIN", "CRAM-MD5"],
    )
    controller.start()
    settings.EMAIL_BACKEND = SMTP_BACKEND
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER = "letterbox"
    yield port
    controller.stop()


def test_outgoing_server_that_lets_us_in(mail_server, settings):
    settings.EMAIL_HOST_PASSWORD = "right-secret"
    assert find_outgoing() == Finding("outgoing mail", YES, "logged in as letterbox")
    assert outgoing.examine_outgoing(timeout=1).server == f"127.0.0.1:{mail_server}"


def test_outgoing_server_without_log_in(mail_server, settings):
    settings.EMAIL_HOST_USER = ""
    assert find_outgoing() == Finding("outgoing mail", YES, "connected")


def test_outgoing_server_that_refuses_us(mail_server, settings):
    settings.EMAIL_HOST_PASSWORD = "wrong-secret"
    assert find_outgoing() == Finding(
        "outgoing mail",
        NO,
        "535 5.7.8 Authentication credentials invalid",
        "Check EMAIL_URL: user and password. Some providers require an app password.",
    )


def test_outgoing_server_that_is_down(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP_BACKEND, "127.0.0.1"
    (settings.EMAIL_PORT,) = free_ports(1)
    finding = find_outgoing()
    assert finding.detail == "[Errno 111] Connection refused"
    assert finding.remedy.startswith("Check EMAIL_URL: scheme, user, password, host and port.")


@pytest.mark.parametrize(
    ("scheme", "sign"),
    [("EMAIL_USE_SSL", "smtp+ssl is for implicit TLS (465)"), ("EMAIL_USE_TLS", "does not offer")],
)
def test_outgoing_server_without_the_tls_that_is_asked_for(mail_server, settings, scheme, sign):
    setattr(settings, scheme, True)
    finding = find_outgoing()
    assert (finding.answer, sign in finding.remedy) == (NO, True), finding


def test_outgoing_server_whose_name_is_not_known(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP_BACKEND, "mail.no-such-host.invalid"
    settings.EMAIL_PORT = 25
    assert find_outgoing().remedy == "Check EMAIL_URL: the host name, and this machine's DNS."


def test_outgoing_server_that_is_silent(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP_BACKEND, "127.0.0.1"
    with talking(b"") as settings.EMAIL_PORT:
        (finding,) = outgoing.find_outgoing(timeout=0.3)
    assert finding.answer is NO
    assert "timed out" in finding.detail


@pytest.mark.services
@pytest.mark.parametrize(
    ("name", "days", "is_trusted", "cause", "remedy"),
    [
        ("localhost", -1, True, "certificate has expired", "Renew the certificate"),
        ("smtp.example.com", 30, True, "Hostname mismatch", "Check EMAIL_URL: the host must be"),
        ("localhost", 30, False, "unable to get local issuer", "Add the authority that signed"),
    ],
    ids=["expired", "of another name", "of an unknown authority"],
)
def test_certificate_of_the_outgoing_server(
    settings, monkeypatch, tmp_path, name, days, is_trusted, cause, remedy
):
    require_program("openssl")
    make_authority(tmp_path)
    make_certificate(tmp_path, "server", [name], days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP_BACKEND, "localhost"
    settings.EMAIL_USE_SSL = True
    with tls_server(context) as settings.EMAIL_PORT:
        finding = find_outgoing()
    assert finding.answer is NO
    assert cause in finding.detail
    assert finding.remedy.startswith(remedy)


@contextmanager
def tls_server(context):
    """Shakes hands and says nothing more; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            with suppress(OSError):  # the client refuses the certificate
                client, _address = listening.accept()
                with client:
                    context.wrap_socket(client, server_side=True).close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        join_all(thread)


@pytest.mark.parametrize(
    ("script", "answer", "detail"),
    [
        ({"MAIL": b"530 5.7.0 Authentication required"}, NO, "530 5.7.0 Authentication required"),
        ({"MAIL": b"550 5.4.5 Daily limit exceeded"}, NO, "550 5.4.5 Daily limit exceeded"),
        ({"RCPT": b"554 5.7.1 Relay access denied"}, NO, "554 5.7.1 Relay access denied"),
        ({"RCPT": b"554 5.7.1 Client host blocked"}, NO, "554 5.7.1 Client host blocked"),
        ({"EHLO": b"550 No", "HELO": b"550 No"}, NO, "550 No"),
        (
            {"RCPT": b"550 5.1.1 No such user"},
            WARN,
            "it takes no mail to letterbox@letterbox.localhost: 550 5.1.1 No such user",
        ),
        (
            {"RCPT": b"450 4.2.0 Greylisted"},
            WARN,
            "it takes no mail to letterbox@letterbox.localhost: 450 4.2.0 Greylisted",
        ),
        ({}, YES, "connected"),
    ],
)
def test_the_step_goes_as_far_as_the_recipient_and_sends_nothing(settings, script, answer, detail):
    with smtp_in_use(settings, script=script) as server:
        finding = find_outgoing()
    assert (finding.answer, finding.detail) == (answer, detail)
    assert server.heard["DATA"] == 0
    address = "<letterbox@letterbox.localhost>"
    said = [line for line in server.commands if line.startswith(("mail", "rcpt"))]
    assert all(address in line for line in said)
    assert server.heard["RSET"] == (1 if server.heard["MAIL"] else 0)


def test_what_the_last_attempts_showed_is_a_step(db):
    now = timezone.now()
    assert installation.find_sending(now=now).answer is YES
    OutgoingAccount.objects.create(
        failing_since=now - dt.timedelta(hours=2), last_error="MAIL FROM: 530 5.7.0 Log in"
    )
    finding = installation.find_sending(now=now)
    assert finding.answer is NO
    assert finding.detail == (
        "no mail goes out for 2 hours, 0 wait; the mail server or the connection to it said:"
        " MAIL FROM: 530 5.7.0 Log in"
    )


# Servers of projects


def ask_projects() -> list[Finding]:
    examinations = outgoing.examine_projects(timeout=PATIENCE_SECONDS)
    return [finding for found in probing.run([e.probe for e in examinations]) for finding in found]


@pytest.fixture
def desk(db, settings):
    settings.DESK_SMTP_LOCAL_NETWORKS = True
    return make_desk()


def test_server_of_a_project_that_lets_us_in(desk):
    with running_customer_server() as server:
        custom_email(desk.settings, server.port)
        examinations = outgoing.examine_projects(timeout=PATIENCE_SECONDS)
        assert [each.server for each in examinations] == [f"127.0.0.1:{server.port}"]
        (finding,) = ask_projects()
    owner = f"{desk.project.path}, support@customer.example"
    assert finding == Finding("outgoing mail of a project", YES, owner)
    assert server.messages == []


def test_server_of_a_project_that_refuses_us_warns_with_the_projects_name(desk):
    with running_customer_server() as server:
        custom_email(desk.settings, server.port, password="wrong-secret")
        (finding,) = ask_projects()
    assert finding.answer is WARN
    assert finding.detail.startswith(f"{desk.project.path}, support@customer.example: 535 ")
    assert finding.remedy.startswith("Ask a maintainer to correct the server")
    assert "wrong-secret" not in str(finding)


def test_server_of_a_project_that_does_not_write_from_it_is_not_asked(desk):
    custom_email(desk.settings, 25, enabled=False)
    assert outgoing.examine_projects(timeout=2) == []


def test_of_very_many_projects_the_rest_is_named_by_its_number(desk, monkeypatch):
    monkeypatch.setattr(outgoing, "MOST_PROJECTS", 0)
    custom_email(desk.settings, 25)
    (examination,) = outgoing.examine_projects(timeout=2)
    assert examination.before == [
        Finding("outgoing mail of a project", SKIPPED, "not checked because there are too many: 1")
    ]
