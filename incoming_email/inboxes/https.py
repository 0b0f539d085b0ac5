"""HTTPS to the servers of mail providers: verified certificates, faults as InboxError."""

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from incoming_email.inboxes.base import InboxError

MAX_DETAIL = 500
LONGEST_PAUSE_SECONDS = 3600.0


TIMEOUTS_PER_ANSWER = 20
"""A server that drips is given up after this many times the account's timeout."""

BUSY = frozenset({429, 500, 502, 503, 504, 509})
"""Statuses that pass: the same question may be put again after a pause."""


class Refusal(InboxError):
    """A server's answer was no: an HTTP status, and `code`, its own word for why."""

    def __init__(
        self, status: int, code: str, detail: str, *, remedy: str, retry_after: float
    ) -> None:
        super().__init__(detail[:MAX_DETAIL], remedy=remedy, retry_after=retry_after)
        self.status = status
        self.code = code


def make_client(*, ca_file: str, timeout: float) -> httpx.Client:
    """A client for requests over HTTPS; `ca_file` names authorities to trust, empty: the usual.

    `timeout` in seconds, for each step of a request. No redirect is followed: it would carry our
    token to another host. Raises InboxError where `ca_file` can't be read.
    """
    verify: ssl.SSLContext | bool = True
    if ca_file:
        try:
            verify = ssl.create_default_context(cafile=ca_file)
        except OSError as error:  # an SSLError is one
            remedy = "Check HTTPS_CA_FILE: the path of a PEM file with certificates."
            raise InboxError(f"{ca_file}: {error}", remedy=remedy) from error
    return httpx.Client(verify=verify, timeout=timeout)


@contextmanager
def https_errors(url: str) -> Iterator[None]:
    """Converts every fault of a request to this URL into InboxError."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        host = httpx.URL(url).host if not isinstance(error, httpx.InvalidURL) else url
        detail = f"{host}: {str(error) or type(error).__name__}"[:MAX_DETAIL]
        raise InboxError(detail, remedy=_remedy(error, host)) from error


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


def find_deadline(timeout: float) -> float:
    """Until when the whole answer to a request that is sent now must be here, as a value of
    `time.monotonic()`. `timeout` is the client's, in seconds.
    """
    return time.monotonic() + timeout * TIMEOUTS_PER_ANSWER


def read_body(response: httpx.Response, *, limit: int, deadline: float) -> bytes:
    """At most one chunk more than `limit`, so that the caller sees that there is more.

    Raises InboxError at the deadline: a timeout of httpx begins anew with each byte.
    """
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > limit:
            break
        if time.monotonic() > deadline:
            raise InboxError("the server did not finish its answer in time")
    return bytes(content)


def parse_object(content: bytes) -> dict[str, object]:
    """Empty where it is no JSON object, or one that is nested too deeply."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def find_retry_after(response: httpx.Response) -> float:
    return parse_retry_after(response.headers.get("Retry-After", ""), now=datetime.now(UTC))


def parse_retry_after(text: str, *, now: datetime) -> float:
    """Seconds to wait; 0 where the header can't be read (RFC 9110, section 10.2.3)."""
    if text.strip().isdecimal():
        return min(float(text), LONGEST_PAUSE_SECONDS)
    moment = parse_http_date(text)
    if moment is None:
        return 0.0
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_PAUSE_SECONDS)


def parse_http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
