"""An exchange by HTTP ends: whatever a server sends, however slowly, and also where DNS hangs."""

import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.https import NOT_IN_TIME, HttpAnswer, HttpsClient
from tests.servers.https import Answer, LocalServer, Request
from tests.servers.talking import talking
from tests.waiting import wait_until

HEAD = b"HTTP/1.1 200 OK\r\n"


def ask(port: int, *, seconds: float = 20.0, limit: int = 1000, **more: object) -> HttpAnswer:
    with closing(HttpsClient(ca_file="", timeout=seconds)) as client:
        return client.ask("GET", f"http://localhost:{port}/", limit=limit, **more)  # type: ignore[arg-type]


def fault_of(port: int, **more: object) -> InboxError:
    with pytest.raises(InboxError) as caught:
        ask(port, **more)  # type: ignore[arg-type]
    return caught.value


@contextmanager
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    wait_until(
        lambda: not {each for each in threading.enumerate() if "_work" in each.name} - before
    )


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"X-Slow: ",
        HEAD + b"Content-Length: 500\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n",
        HEAD + b"\r\n",
    ],
)
def test_a_server_that_drips_is_given_up_at_the_deadline(said: bytes) -> None:
    began = time.monotonic()
    with no_thread_left(), talking(said, drip_seconds=0.02) as port:
        error = fault_of(port, seconds=0.4)
    # Before, each byte began the timeout anew: 500 of them take ten seconds.
    assert time.monotonic() - began < 8
    assert error.detail == f"localhost: {NOT_IN_TIME}"
    assert "firewall" in error.remedy


def test_a_server_that_drips_on_a_connection_in_use_is_given_up() -> None:
    first = HEAD + b"Content-Length: 2\r\n\r\nok"
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(10_000)
            client.sendall(first)
            client.recv(10_000)
            client.sendall(HEAD)
            with suppress(OSError):
                while client.send(b"X"):
                    time.sleep(0.02)

    with listener, no_thread_left(), closing(HttpsClient(ca_file="", timeout=0.4)) as client:
        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert client.ask("GET", url, limit=10).body == b"ok"
        with pytest.raises(InboxError):
            client.ask("GET", url, limit=10)


def test_a_server_that_never_says_anything_is_given_up() -> None:
    with no_thread_left(), talking(b"") as port:
        assert "firewall" in fault_of(port, seconds=0.3).remedy


def test_a_name_that_is_not_resolved_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()
    real = socket.getaddrinfo

    def resolve(*args: object, **more: object) -> object:
        hangs.wait(30)
        return real(*args, **more)  # type: ignore[arg-type]

    with talking(HEAD + b"\r\n") as port:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        assert NOT_IN_TIME in fault_of(port, seconds=0.3).detail
        hangs.set()


def test_what_was_given_up_is_not_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh token may be good for one use only."""
    hangs = threading.Event()
    real = socket.getaddrinfo
    asked: list[str] = []

    class Server(LocalServer):
        def answer(self, request: Request) -> Answer:
            asked.append(request.line)
            return Answer(200)

    def resolve(*args: object, **more: object) -> object:
        hangs.wait(30)
        return real(*args, **more)  # type: ignore[arg-type]

    with Server(None) as server, no_thread_left():
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        fault_of(int(server.url.rpartition(":")[2]), seconds=0.2)
        hangs.set()
    assert asked == []


@pytest.mark.parametrize("header", [b"\r\n", b"Content-Length: 3000000000\r\n\r\n"])
def test_of_an_endless_body_no_more_than_the_limit_is_read(header: bytes) -> None:
    tracemalloc.start()
    try:
        with no_thread_left(), talking(HEAD + header, flood_bytes=3_000_000_000) as port:
            answer = ask(port, limit=2_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(answer.body), answer.is_whole) == (2_000_000, False)
    assert peak < 20_000_000


def test_only_the_start_is_read_of_what_declares_too_much() -> None:
    said = HEAD + b"Content-Length: 3000000000\r\n\r\n"
    with talking(said, flood_bytes=3_000_000_000) as port:
        answer = ask(port, limit=2_000_000, start=70_000)
    assert (len(answer.body), answer.is_whole) == (70_000, False)


def test_endless_headers_end() -> None:
    with no_thread_left(), talking(HEAD + b"X-Long: ", flood_bytes=3_000_000_000) as port:
        assert "localhost" in fault_of(port).detail


def test_an_answer_that_is_cut_off_is_a_fault() -> None:
    class Server(LocalServer):
        def answer(self, request: Request) -> Answer:
            return Answer(200, b"half", headers={"Content-Length": "8", "Connection": "close"})

    with Server(None) as server:
        error = fault_of(int(server.url.rpartition(":")[2]), seconds=2)
    assert "127.0.0.1" in error.detail or "localhost" in error.detail


def test_a_compressed_answer_is_refused() -> None:
    with talking(
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
    ) as port:
        assert "compresses its answer" in fault_of(port).detail


@pytest.mark.parametrize("token", ["secret\r\nX-Evil: 1", "secret\N{SNOWMAN}", "secret\0"])
def test_a_header_that_cant_be_sent_is_not_quoted(token: str) -> None:
    with talking(HEAD + b"\r\n") as port:
        error = fault_of(port, headers={"Authorization": f"Bearer {token}"})
    assert error.detail == "localhost: the request can't be sent"


@pytest.mark.parametrize(
    "url", ["", "not a url", "ftp://localhost/", "http://[::1", "http://a\0b/"]
)
def test_a_url_that_is_none_is_an_inbox_error(url: str) -> None:
    client = HttpsClient(ca_file="", timeout=5)
    with closing(client), pytest.raises(InboxError):
        client.ask("GET", url, limit=10)
