"""A base for test servers that speak HTTP on loopback, in clear or with our own certificate."""

import json
import re
import ssl
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.certificates import make_authority, make_certificate


def make_server_certificate(folder: Path) -> Path:
    """Writes ca.pem and server.pem, good for `localhost`; gives the folder."""
    make_authority(folder)
    make_certificate(folder, "server", ["localhost"])
    return folder


@dataclass(frozen=True)
class Request:
    method: str
    raw: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {urllib.parse.unquote(self.raw)}"

    @property
    def path(self) -> str:
        """Still encoded where it matters: an id may hold a slash."""
        return re.sub("%40", "@", urllib.parse.urlsplit(self.raw).path)

    @property
    def query(self) -> dict[str, str]:
        text = urllib.parse.urlsplit(self.raw).query
        return dict(urllib.parse.parse_qsl(text, strict_parsing=bool(text)))


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, value: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), headers=named)


class LocalServer:
    """Use as a context manager. `folder` is that of `make_server_certificate`; None: no TLS.

    `clock_ahead`: how far its clock is ahead of ours.
    """

    def __init__(self, folder: Path | None) -> None:
        self.ca_file = ""
        self.clock_ahead = timedelta(0)
        self._server = _QuietServer(("127.0.0.1", 0), _make_handler(self))
        self._server.daemon_threads = True
        if folder:
            self.ca_file = str(folder / "ca.pem")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "server.pem", folder / "server.key")
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme, host = ("https", "localhost") if folder else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that breaks off is what some tests are about."""


def _make_handler(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # header and body together, or the client waits for a delayed ACK

        def log_message(self, *_: object) -> None:
            """Silent."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            moment = time.time() if timestamp is None else timestamp
            return super().date_time_string(moment + server.clock_ahead.total_seconds())

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.title(): value for name, value in self.headers.items()}
            answer = server.answer(
                Request(self.command, self.path, server.url + self.path, headers, body)
            )
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

    return Handler
