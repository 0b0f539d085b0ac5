"""HTTPS to the servers of mail providers: certificates verified, faults in plain words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from incoming_email.inboxes.base import InboxError

MAX_DETAIL = 500
LONGEST_PAUSE_SECONDS = 3600.0


def make_client(*, ca_file: str, timeout: float, keep_alive: bool = True) -> httpx.Client:
    """No redirect is followed: it would carry our token to another host."""
    verify: ssl.SSLContext | bool = True
    if ca_file:
        try:
            verify = ssl.create_default_context(cafile=ca_file)
        except OSError as error:  # an SSLError is one
            remedy = "Check HTTPS_CA_FILE: the path of a PEM file with certificates."
            raise InboxError(f"{ca_file}: {error}", remedy=remedy) from error
    limits = httpx.Limits(max_keepalive_connections=None if keep_alive else 0)
    return httpx.Client(verify=verify, timeout=timeout, limits=limits)


@contextmanager
def https_errors(url: str) -> Iterator[None]:
    """Lets nothing but InboxError out of a request to this URL."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        host = httpx.URL(url).host if not isinstance(error, httpx.InvalidURL) else url
        detail = f"{host}: {str(error) or type(error).__name__}"[:MAX_DETAIL]
        raise InboxError(detail, remedy=_remedy(error, host)) from error


def _remedy(error: Exception, host: str) -> str:
    words = str(error)
    if "certificate has expired" in words:
        return f"Renew the certificate of {host}, or set the clock of this machine right."
    if "mismatch, certificate is not valid for" in words:
        return f"Use the name that the certificate of {host} was issued for."
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return "Name the PEM file of the authority that signed its certificate as HTTPS_CA_FILE."
    if isinstance(error, httpx.TimeoutException):
        return f"Check the network and firewall between this machine and {host}, port 443."
    if isinstance(error, httpx.ConnectError | httpx.InvalidURL):
        return f"Check the host name {host}, this machine's DNS, and the firewall."
    return "The connection broke; it is tried again."


def parse_retry_after(text: str, *, now: datetime) -> float:
    """Seconds; 0 where it says nothing that can be read (RFC 9110, section 10.2.3)."""
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
