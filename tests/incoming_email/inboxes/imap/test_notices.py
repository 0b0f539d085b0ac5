"""What a server wants people to read, and what keeps a silent connection alive."""

import socket

import pytest

from incoming_email.inboxes.opening import open_inbox
from tests.servers.fake_imap import FakeImap
from tests.servers.reading import contents, mail, read_all, refusal

ROOT = b'* QUOTAROOT "inbox" ""\r\n'


def notice(server: FakeImap) -> str:
    with open_inbox(server.account()) as inbox:
        read_all(inbox)
        return inbox.notice


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("LOGIN", b"* OK [ALERT] Use another server"),
        ("SEARCH", b"* NO [ALERT] Use another server"),
        ("LOGIN", b"TAG OK [alert] Use another server"),
        ("SEARCH", b"* BAD [OVERQUOTA] Use another server"),
    ],
)
def test_an_alert_is_shown_wherever_it_comes(command: str, line: bytes) -> None:
    with FakeImap({1: mail("one")}) as server:
        ending = b"* SEARCH 1\r\n" if command == "SEARCH" else b""
        done = b"" if line.startswith(b"TAG") else b"TAG OK done\r\n"
        server.script(command, line + b"\r\n" + ending + done)
        assert notice(server) == "Use another server"


def test_an_alert_in_an_idle_is_shown() -> None:
    with FakeImap({}) as server:
        server.script("IDLE", b"+ idling\r\n* OK [ALERT] Going down at noon\r\n")
        with open_inbox(server.account()) as inbox:
            inbox.wait(0.2)
            assert inbox.notice == "Going down at noon"


def test_an_alert_within_a_message_is_mail() -> None:
    content = mail("one", "* OK [ALERT] Send money\r\nx1 OK [ALERT] now")
    with FakeImap({1: content}) as server, open_inbox(server.account()) as inbox:
        assert contents(read_all(inbox)) == [content]
        assert inbox.notice == ""


def test_alerts_are_bounded_and_told_once() -> None:
    lines = [b"* OK [ALERT] %d " % (number % 10) + b"x" * 1000 for number in range(100)]
    with FakeImap({}) as server:
        server.script("SEARCH", b"\r\n".join([*lines, b"* SEARCH", b"TAG OK done", b""]))
        words = notice(server).split()
    assert words[::2] == ["5", "6", "7", "8", "9"]
    assert {len(word) for word in words[1::2]} == {298}


def test_a_refusal_with_an_alert_has_the_servers_words() -> None:
    with FakeImap({}) as server:
        server.script("LOGIN", b"TAG NO [ALERT] Please log in via your web browser\r\n")
        assert "log in via your web browser" in refusal(server.account()).detail


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (b'* QUOTA "" (STORAGE 95 100)\r\n', "95 % of the quota is used (STORAGE: 95 of 100 KB)"),
        (b'* QUOTA "" (MESSAGE 9 10)\r\n', "90 % of the quota is used (MESSAGE: 9 of 10)"),
        (b'* QUOTA "" (STORAGE 1 100 MESSAGE 10 10)\r\n', "100 % of the quota is used (MESSAGE"),
        (b'* QUOTA "" (STORAGE 89 100)\r\n', ""),
        (b'* QUOTA "" (STORAGE 0 0)\r\n', ""),
        (b'* QUOTA "" ()\r\n', ""),
        (b"* QUOTA\r\n", ""),
        (b'* QUOTA "" (STORAGE x y)\r\n', ""),
        (b"", ""),
    ],
)
def test_a_quota_that_is_nearly_used_up_is_shown(answer: bytes, shown: str) -> None:
    with FakeImap({}, capability="IMAP4rev1 QUOTA") as server:
        server.script("GETQUOTAROOT", ROOT + answer + b"TAG OK done\r\n")
        assert notice(server).startswith(shown)
        assert notice(server) == ""  # at the next visit the answer is another one


def test_a_server_that_refuses_to_tell_the_quota_is_read_all_the_same() -> None:
    with FakeImap({1: mail("one")}, capability="IMAP4rev1 QUOTA") as server:
        with open_inbox(server.account()) as inbox:
            assert contents(read_all(inbox)) == [mail("one")]
        assert len(server.sent("GETQUOTAROOT")) == 1


def test_the_system_watches_over_a_silent_connection() -> None:
    with FakeImap({}) as server, open_inbox(server.account()) as inbox:
        connection = inbox._session.connection.socket()  # type: ignore[attr-defined]
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
