"""When an IMAP server gets the password or token, and what is shown of it."""

import ssl
import sys
from pathlib import Path

import pytest

from incoming_email.inboxes.oauth_client import OAuthClient, TokenCommand
from incoming_email.inboxes.opening import open_inbox
from incoming_email.inboxes.shared import NOT_FOR_IT
from tests.servers.certificates import make_authority, make_certificate
from tests.servers.fake_imap import PASSWORD, FakeImap
from tests.servers.programs import require_program
from tests.servers.reading import contents, read_all, refusal

ONE = b"Subject: one\r\n\r\n1\r\n"


TWO = b"Subject: two\r\n\r\n2\r\n"


THREE = b"Subject: three\r\n\r\n3\r\n"


MAIL = {1: ONE, 2: TWO, 3: THREE}


def test_starttls_that_is_not_offered_ends_the_attempt_before_the_password() -> None:
    with FakeImap(MAIL) as server:
        fault = refusal(server.account(start_tls=True))
    assert server.sent("LOGIN") == []
    assert fault.detail == "Server does not support STARTTLS capability"
    assert "switch ssl on" in fault.remedy


def test_starttls_that_is_refused_ends_the_attempt_before_the_password() -> None:
    with FakeImap(MAIL, capability="IMAP4rev1 STARTTLS") as server:
        refusal(server.account(start_tls=True, timeout=1.0))
    assert server.sent("STARTTLS") == ["STARTTLS"]
    assert server.sent("LOGIN") == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and server.pem and server.key for 127.0.0.1."""
    require_program("openssl")
    folder = tmp_path_factory.mktemp("tls")
    make_authority(folder)
    make_certificate(folder, "server", ["127.0.0.1"])
    return folder


@pytest.fixture
def server_tls(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    return context


@pytest.mark.parametrize(
    ("host", "start_tls", "is_sent"),
    [("127.0.0.1", True, True), ("imap.example.com", True, False), ("127.0.0.1", False, False)],
)
def test_a_token_of_a_command_goes_by_tls_to_the_host_that_it_is_for(
    authority: Path, server_tls: ssl.SSLContext, host: str, start_tls: bool, is_sent: bool
) -> None:
    ran = authority / f"{host}-{start_tls}"
    code = f"open({str(ran)!r}, 'w'); print('token-of-no-value')"
    client = OAuthClient(command=TokenCommand((sys.executable, "-c", code), host))
    capability = "IMAP4rev1 STARTTLS AUTH=XOAUTH2"
    with FakeImap(MAIL, capability=capability, tls=server_tls) as server:
        fault = refusal(
            server.account(start_tls=start_tls, ca_file=str(authority / "ca.pem"), oauth=client)
        )
        assert bool(server.sent("AUTHENTICATE")) is is_sent
    assert ran.exists() is is_sent
    assert (fault.remedy == NOT_FOR_IT) is not is_sent


def test_starttls_is_used_before_the_password(authority: Path, server_tls: ssl.SSLContext) -> None:
    with FakeImap(MAIL, capability="IMAP4rev1 STARTTLS", tls=server_tls) as server:
        account = server.account(start_tls=True, ca_file=str(authority / "ca.pem"))
        with open_inbox(account) as inbox:
            assert contents(read_all(inbox)) == [ONE, TWO, THREE]
        assert [line.partition(" ")[0] for line in server.commands[:4]] == [
            "CAPABILITY",
            "STARTTLS",
            "CAPABILITY",
            "CAPABILITY",
        ]
        assert server.sent("LOGIN")


def test_data_in_clear_behind_starttls_is_refused(
    authority: Path, server_tls: ssl.SSLContext
) -> None:
    with FakeImap(MAIL, capability="IMAP4rev1 STARTTLS", tls=server_tls) as server:
        server.script("STARTTLS", b"TAG OK go\r\n* CAPABILITY IMAP4rev1 EVIL\r\n")
        fault = refusal(server.account(start_tls=True, ca_file=str(authority / "ca.pem")))
    assert "data in clear behind its answer to STARTTLS" in fault.detail
    assert server.sent("LOGIN") == []


def test_a_greeting_that_skips_starttls_is_refused() -> None:
    greeting = b"* PREAUTH you are in\r\n"
    with FakeImap(MAIL, capability="IMAP4rev1 STARTTLS", greeting=greeting) as server:
        refusal(server.account(start_tls=True))
    assert server.sent("SELECT") == []


def test_a_server_that_forbids_login_in_clear_gets_no_password() -> None:
    with FakeImap(MAIL, capability="IMAP4rev1 LOGINDISABLED") as server:
        fault = refusal(server.account())
    assert server.sent(PASSWORD) == []
    assert fault.remedy == "Switch on ssl or start_tls."


def test_a_password_that_the_server_repeats_is_not_shown() -> None:
    with FakeImap(MAIL) as server:
        server.script("LOGIN", f"TAG NO {PASSWORD} is wrong\r\n".encode())
        fault = refusal(server.account())
    assert fault.detail == "[password] is wrong"
    assert fault.__cause__ is None


def test_both_kinds_of_tls_are_refused_without_a_connection() -> None:
    with FakeImap(MAIL) as server:
        fault = refusal(server.account(ssl=True, start_tls=True))
    assert fault.detail == "ssl and start_tls are both on"
    assert server.connections == 0
