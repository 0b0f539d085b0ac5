"""Servers of the installation: the broker and our own SMTP listener."""

import smtplib
import socket
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.models import heartbeats
from incoming_email.monitoring.health.examinations import Examination, Probe, name_server

if TYPE_CHECKING:
    from kombu import Connection

MAX_MESSAGE = 500
LMTP_SECONDS = 1.0
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  (compared with, not listened at)
PATIENCE = 0.9
"""Share of a step's time that its server may be silent, so that the step still can report it."""

FOLDER = "data_folder_out"
"""Option of the one transport that needs no server."""

BROKER_PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}


def find_listener(*, seen_at: datetime | None, timeout: float) -> Iterator[Finding]:
    """Whether our server greets with 220 (RFC 5321 section 4.2), by SMTP or else by LMTP.

    Where SMTP_LISTENER_HOST is every address, it may listen in another container, which has a
    network of its own: then its heartbeat counts, whose time is `seen_at`.
    """
    host, name = settings.SMTP_LISTENER_HOST, settings.MESSAGE_ID_HOST
    try:
        with smtplib.SMTP(host, settings.SMTP_LISTENER_PORT, local_hostname=name, timeout=timeout):
            yield Finding("listener", Answer.YES, _("it greets with 220"))
    except (OSError, smtplib.SMTPException) as error:
        if _greets_by_lmtp():
            yield Finding("listener", Answer.YES, _("it greets with 220, by LMTP"))
            return
        if host in EVERY_ADDRESS and seen_at and timezone.now() - seen_at <= heartbeats.OLD:
            text = _("it does not answer on this machine, but was seen alive on another one")
            yield Finding("listener", Answer.YES, text)
            return
        remedy = _(
            "Start it: python manage.py serve_smtp. Check SMTP_LISTENER_HOST, SMTP_LISTENER_PORT."
        )
        yield Finding("listener", Answer.NO, describe_error(error), remedy)


def _greets_by_lmtp() -> bool:
    address = (settings.SMTP_LISTENER_HOST, settings.LMTP_LISTENER_PORT)
    try:
        with socket.create_connection(address, LMTP_SECONDS) as connection:
            return connection.recv(4).startswith(b"220")
    except OSError:
        return False


def examine_broker(*, timeout: float) -> Examination:
    return Examination(
        server=_name_broker(settings.CELERY_BROKER_URL),
        probe=Probe(("broker",), lambda: find_broker(timeout=timeout * PATIENCE), timeout),
    )


def _name_broker(url: str) -> str:
    """The first, where several are configured; never with the password."""
    try:
        parts = urlsplit(url.partition(";")[0])
        port = parts.port or BROKER_PORTS.get(parts.scheme, 0)
    except ValueError:  # the step reports what is wrong with it
        return ""
    return name_server(parts.hostname, port) if parts.hostname else ""


def find_broker(*, timeout: float) -> Iterator[Finding]:
    """Whether a task could be handed over now. No task is sent."""
    remedy = _("Start the broker, or correct CELERY_BROKER_URL. Mail waits meanwhile.")
    try:
        connection = current_app.connection_for_write(connect_timeout=timeout)
    except (ImportError, LookupError, ValueError) as error:  # no such transport
        yield Finding("broker", Answer.NO, describe_error(error), remedy)
        return
    faults: tuple[type[BaseException], ...] = (
        *(OSError, OperationalError),
        *connection.connection_errors,
        *connection.channel_errors,
    )
    with connection:
        try:
            detail = _try_broker(connection)
        except faults as error:
            if FOLDER in (connection.transport_options or {}):
                remedy = _("Make the folder, or give this user the right to write to it.")
            message = describe_error(error, connection.password or "")
            yield Finding("broker", Answer.NO, message, remedy)
        else:
            yield Finding("broker", Answer.YES, detail)


def _try_broker(connection: "Connection") -> str:
    folder = (connection.transport_options or {}).get(FOLDER)
    if folder:  # a connection to files never fails, only a message does
        with tempfile.TemporaryFile(dir=folder):
            return _("the folder %(folder)s can be written to") % {"folder": folder}
    connection.connect()
    with connection.channel():  # Redis connects only when a channel is opened
        return _("tasks can be queued")


def describe_error(error: BaseException, *secrets: str) -> str:
    """The server's message, without these secrets."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        message = f"{error.smtp_code} {text}"
    else:
        message = str(error) or type(error).__name__
    for secret in filter(None, secrets):
        message = message.replace(secret, "[password]")
    return message[:MAX_MESSAGE]
