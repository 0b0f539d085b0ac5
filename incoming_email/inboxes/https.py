"""HTTPS exchanges, each with a deadline and a limit of bytes as a whole; faults as InboxError."""

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from incoming_email.inboxes.base import InboxError
from incoming_email.networks import FORBIDDEN, USE_PUBLIC_HOST, require_public
from issues.connecting import find_addresses

MAX_DETAIL = 500
DNS_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 3600.0
MAX_REFUSAL_BYTES = 100_000
"""Of the answer of a server that refuses, which says why."""

BUSY = frozenset({429, 500, 502, 503, 504, 509})
"""Statuses that pass: the same question may be put again after a pause."""

NOT_IN_TIME = "the server did not finish its answer in time"
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)


def is_token(value: object) -> bool:
    """Whether it can stand in a header: printable ASCII without blanks (RFC 6749, A.12, A.17)."""
    return isinstance(value, str) and TOKEN.fullmatch(value) is not None


class Refusal(InboxError):
    """A server's answer was no: an HTTP status, and `code`, its own word for why."""

    def __init__(
        self, status: int, code: str, detail: str, *, remedy: str, retry_after: float
    ) -> None:
        detail = CONTROLS.sub(" ", detail)
        super().__init__(detail[:MAX_DETAIL], remedy=remedy, retry_after=retry_after)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    headers: httpx.Headers
    body: bytes
    """Its beginning, where `is_whole` is false."""

    is_whole: bool

    @property
    def is_success(self) -> bool:
        return httpx.codes.is_success(self.status)


class HttpsClient:
    """Puts questions to one server, one at a time, on a connection that is kept in between.

    No redirect is followed: it would carry our token to another host.
    """

    def __init__(self, *, ca_file: str, timeout: float, local_networks: bool = True) -> None:
        """`timeout`: seconds that an exchange may take as a whole. Without `local_networks` only
        public addresses are connected to, and none through a proxy. Raises InboxError."""
        verify = httpx.create_ssl_context()
        if ca_file:
            try:
                verify = ssl.create_default_context(cafile=ca_file)
            except OSError as error:  # an SSLError is one
                remedy = "Check HTTPS_CA_FILE: the path of a PEM file with certificates."
                raise InboxError(f"{ca_file}: {error}", remedy=remedy) from error
        self._timeout = timeout
        transport = None if local_networks else _PublicTransport(verify)
        self._client = httpx.Client(
            verify=verify, transport=transport, timeout=timeout, follow_redirects=False
        )
        self._sockets: list[socket.socket] = []
        """That of the open connection."""

    def close(self) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        start: int | None = None,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> HttpAnswer:
        """One exchange, from resolving the name to the last byte. Raises InboxError.

        At most `limit` bytes of the body are read; only `start`, where the server declares more
        than `limit`. `seconds` instead of the timeout; `content` is `params`, `data` or `json`.
        """
        with https_errors(url):
            # A compressed answer could be a thousand times as large as what was read.
            named = {**(headers or {}), "Accept-Encoding": "identity"}
            exchange = _Exchange(self._client, self._sockets, limit, start)
            request = self._client.build_request(
                method, url, headers=named, extensions={"trace": exchange.note_socket}, **content
            )
            return exchange.run(request, seconds or self._timeout)


class _PublicTransport(httpx.HTTPTransport):
    def __init__(self, verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify)
        self._pool = httpcore.ConnectionPool(
            ssl_context=verify, max_connections=1, network_backend=_PublicBackend()
        )


class _PublicBackend(httpcore.SyncBackend):
    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """To the very address that was checked: a second look-up could give another one."""
        with _connect_errors():
            found = find_addresses(host, port, seconds=timeout or DNS_SECONDS)
            for *_kinds, address in found:
                require_public(str(address[0]))
        fault: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for *_kinds, address in found:
            try:
                return super().connect_tcp(str(address[0]), port, timeout, *args, **options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault or httpcore.ConnectError(f"The name {host} leads to no address.")


@contextmanager
def _connect_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise httpcore.ConnectError(str(error)) from error


@dataclass(slots=True)
class _Exchange:
    """Runs in a thread, which is left behind at the deadline, without a connection.

    httpx gives each read a timeout of its own, and resolving a name has none at all.
    """

    client: httpx.Client
    sockets: list[socket.socket]
    limit: int
    start: int | None
    answer: HttpAnswer | None = None
    fault: Exception | None = None
    is_cut: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def run(self, request: httpx.Request, seconds: float) -> HttpAnswer:
        threading.Thread(target=self._work, args=(request,), daemon=True).start()
        if not self.done.wait(seconds):
            self._cut()
            raise httpx.ReadTimeout(NOT_IN_TIME)
        if self.answer is None:
            raise self.fault or httpx.ReadError("")
        return self.answer

    def note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        """httpx calls it at each step of the exchange."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self.sockets[:] = [info["return_value"].get_extra_info("socket")]
        if self.is_cut:
            raise httpx.ReadTimeout(NOT_IN_TIME)

    def _work(self, request: httpx.Request) -> None:
        try:
            response = self.client.send(request, stream=True)
            try:
                self.answer = self._read(response)
            finally:
                response.close()
        except Exception as error:  # noqa: BLE001  (raised again where it is waited for)
            self.fault = error
        finally:
            if self.is_cut:
                for each in self.sockets:
                    each.close()
            self.done.set()

    def _read(self, response: httpx.Response) -> HttpAnswer:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise httpx.DecodingError("the server compresses its answer, which nobody asked for")
        limit = self.limit if response.is_success else min(self.limit, MAX_REFUSAL_BYTES)
        declared = response.headers.get("Content-Length", "")
        is_whole = not (declared.isdecimal() and int(declared[:18]) > limit)
        most = limit if is_whole or self.start is None else self.start
        body = bytearray()
        for chunk in response.iter_raw() if most else ():
            body += chunk
            if len(body) > most:
                is_whole = False
                break
        del body[most:]
        return HttpAnswer(response.status_code, response.headers, bytes(body), is_whole)

    def _cut(self) -> None:
        """Wakes the thread, which may be waiting for the next byte."""
        self.is_cut = True
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def https_errors(url: str) -> Iterator[None]:
    """Converts every fault of a request to this URL into InboxError."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        try:
            host = httpx.URL(url).host
        except httpx.InvalidURL:
            host = url
        words = str(error) or type(error).__name__
        # Their text quotes the header that can't be sent, and with it the token.
        if isinstance(error, httpx.LocalProtocolError | UnicodeError):
            words = "the request can't be sent"
        detail = CONTROLS.sub(" ", f"{host}: {words}")[:MAX_DETAIL]
        remedy = USE_PUBLIC_HOST if FORBIDDEN in words else _remedy(error, host)
        raise InboxError(detail, remedy=remedy) from error


def _remedy(error: Exception, host: str) -> str:
    message = str(error)
    if "certificate has expired" in message:
        return f"Renew the certificate of {host}, or correct the clock of this machine."
    if "mismatch, certificate is not valid for" in message:
        return f"Use the name that the certificate of {host} was issued for."
    if "CERTIFICATE_VERIFY_FAILED" in message:
        return "Name the PEM file of the authority that signed its certificate as HTTPS_CA_FILE."
    if isinstance(error, httpx.TimeoutException):
        return f"Check the network and firewall between this machine and {host}, port 443."
    if isinstance(error, httpx.ConnectError | httpx.InvalidURL):
        return f"Check the host name {host}, this machine's DNS, and the firewall."
    return "The connection broke; it is tried again."


def parse_object(content: bytes) -> dict[str, object]:
    """Empty where it is no JSON object, or one that is nested too deeply."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def find_text(answer: Mapping[str, object], name: str) -> str:
    """Empty where it is no text; what is no text may be nested too deeply to be written."""
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def find_retry_after(answer: HttpAnswer) -> float:
    return parse_retry_after(answer.headers.get("Retry-After", ""), now=datetime.now(UTC))


def parse_retry_after(text: str, *, now: datetime) -> float:
    """Seconds to wait; 0 where the header can't be read (RFC 9110, section 10.2.3)."""
    if text.strip().isdecimal():
        return min(float(text.strip()), LONGEST_PAUSE_SECONDS)
    moment = parse_http_date(text)
    if moment is None:
        return 0.0
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_PAUSE_SECONDS)


def parse_http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
