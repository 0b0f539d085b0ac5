"""Servers that never end an answer: each exchange as a whole has a deadline, and a size."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from incoming_email.inboxes.base import Inbox, InboxError
from incoming_email.inboxes.imap import session, wire
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.opening import open_inbox
from issues import connecting
from tests.servers.fake_imap import DRIP, HANG, FakeImap
from tests.servers.reading import faults, mail, read_all, read_each, refusal
from tests.waiting import PATIENCE_SECONDS

TIMEOUT = 0.5
"""Below the pause of a drip nothing is silent; the whole must end all the same."""

LIMIT = TIMEOUT * 15
"""Of a test: longer than any exchange may take, with its opening, and shorter than the drip was."""


@contextmanager
def soon(limit: float = LIMIT) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < limit


@contextmanager
def dripping_greeting(piece: bytes) -> Iterator[ImapAccount]:
    """A server that says this again and again, from the first moment."""

    def drip() -> None:
        connection, _address = listener.accept()
        with connection:
            try:
                while True:
                    connection.sendall(piece)
                    time.sleep(0.05)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, daemon=True).start()
        yield ImapAccount("127.0.0.1", listener.getsockname()[1], timeout=TIMEOUT)


@pytest.mark.parametrize("piece", [b"*", b"* OK wait\r\n"])
def test_a_greeting_that_never_ends(piece: bytes) -> None:
    with dripping_greeting(piece) as account, soon():
        assert refusal(account).detail.startswith("no answer in time")


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "STARTTLS", "FETCH *"])
def test_an_opening_that_never_ends(command: str) -> None:
    capability = "IMAP4rev1 IDLE UIDPLUS STARTTLS"
    with FakeImap({1: mail("one")}, capability=capability) as server, soon():
        server.script(command, b"* OK wait\r\n", then=DRIP, times=9)
        account = server.account(timeout=TIMEOUT, start_tls=command == "STARTTLS")
        assert "no answer in time" in refusal(account).detail


def test_an_opening_whose_steps_each_end_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deadline is one for all of them."""
    monkeypatch.setattr(session, "OPENING_TIMEOUTS", 1)
    with FakeImap({}) as server, soon():
        for command in ("CAPABILITY", "LOGIN", "SELECT"):
            server.before(command, lambda: time.sleep(TIMEOUT * 0.8))
        assert "no answer in time" in refusal(server.account(timeout=TIMEOUT)).detail


def test_a_log_in_that_asks_for_ever() -> None:
    """Each challenge is answered, and each answer followed by another challenge."""
    with FakeImap({}, capability="IMAP4rev1 AUTH=PLAIN") as server, soon():
        account = server.account(timeout=TIMEOUT, password="pässword")
        server.before("AUTHENTICATE", lambda: server.script("", b"+ \r\n", times=500_000))
        assert " in time" in refusal(account).detail


def read_and_wait(inbox: Inbox) -> None:
    read_all(inbox)
    inbox.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("command", ["SEARCH", "STORE", "EXPUNGE", "NOOP"])
def test_an_exchange_that_never_ends(command: str) -> None:
    with FakeImap({1: mail("one")}) as server, soon():
        account = server.account(timeout=TIMEOUT, expunge_deleted=True)
        with open_inbox(account) as inbox:
            server.script(command, b"* OK wait\r\n", then=DRIP, times=9)
            server.script("IDLE", b"TAG NO not now\r\n")
            with pytest.raises(InboxError, match="no answer in time"):
                read_and_wait(inbox)


@pytest.mark.parametrize("command", ["RFC822.SIZE", "BODY.PEEK"])
def test_a_message_that_never_ends_has_a_fault(command: str) -> None:
    with FakeImap({1: mail("one")}) as server, soon():
        server.script(command, b"* OK wait\r\n", then=DRIP, times=2)
        with open_inbox(server.account(timeout=TIMEOUT)) as inbox:
            found = faults(read_each(inbox))
    assert "no answer in time" in found[1]
    assert server.flags == {1: set()}


def test_a_done_that_is_never_answered() -> None:
    with FakeImap({}) as server, soon(), open_inbox(server.account(timeout=TIMEOUT)) as inbox:
        server.script("DONE", b"* OK wait\r\n", then=DRIP)
        with pytest.raises(InboxError, match="no answer in time"):
            inbox.wait(0.1)


def test_a_logout_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incoming_email.inboxes.imap.connection.GOODBYE_SECONDS", TIMEOUT)
    with FakeImap({}) as server, soon(), open_inbox(server.account()):
        server.script("LOGOUT", b"* OK wait\r\n", then=DRIP)


def test_lines_without_an_end_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINES", 1_000)
    with FakeImap({}) as server, open_inbox(server.account()) as inbox:
        server.script("SEARCH", b"* 1 EXISTS\r\n" * 2_000, then=HANG)
        with pytest.raises(InboxError, match="more than 1000 lines"):
            read_all(inbox)


def test_a_large_message_has_more_time_than_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes come all the time, and slowly."""
    monkeypatch.setattr(wire, "BYTES_PER_SECOND", 10_000)
    content = mail("large", "x" * 40_000)
    body = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % len(content)
    pieces = [content[start : start + 2_000] for start in range(0, len(content), 2_000)]
    with FakeImap({1: content}) as server, open_inbox(server.account(timeout=TIMEOUT)) as inbox:

        def send_slowly() -> None:
            (connection,) = server._views
            connection.sendall(body)
            for piece in pieces:
                time.sleep(TIMEOUT / 5)
                connection.sendall(piece)

        server.before("BODY.PEEK", send_slowly)
        server.script("BODY.PEEK", b")\r\nTAG OK done\r\n")
        assert [message.content for message in read_all(inbox)] == [content]


def test_a_name_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def stall(*_arguments: object, **_options: object) -> list[object]:
        released.wait(PATIENCE_SECONDS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", stall)
    with soon():
        fault = refusal(ImapAccount("mail.example.com", timeout=TIMEOUT))
    released.set()
    assert "no answer from DNS about mail.example.com within" in fault.detail


def test_the_addresses_of_a_name_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones do not answer: their packets go nowhere (RFC 5737)."""
    tried: list[tuple[str, float]] = []

    class Socket(socket.socket):
        def connect(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            tried.append((address[0], self.gettimeout() or 0.0))
            if address[0] != "127.0.0.1":
                raise TimeoutError("timed out")
            super().connect(address)

    names = ["192.0.2.1", "192.0.2.2", "127.0.0.1"]
    with FakeImap({}) as server:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, server.port)) for name in names]
        monkeypatch.setattr(connecting, "find_addresses", lambda *_, **_seconds: found)
        monkeypatch.setattr(connecting.socket, "socket", Socket)
        connecting.connect("localhost", server.port, seconds=9.0).close()
    assert [address for address, _share in tried] == names
    assert tried[0][1] <= 3.0
