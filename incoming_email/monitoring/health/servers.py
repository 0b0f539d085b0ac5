"""Servers of the installation: the broker."""

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.describing import describe_error, name_server
from incoming_email.monitoring.health.examinations import Examination, Probe
from issues import broker

if TYPE_CHECKING:
    from kombu import Connection

PATIENCE = 0.9
"""Share of a step's time that its server may be silent, so that the step still can report it."""

FOLDER = "data_folder_out"
"""Option of the one transport that needs no server."""

BROKER_PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}


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
        connection = broker.connect(timeout)
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
    _channel = connection.default_channel  # Redis connects only when a channel is opened
    return _("tasks can be queued")
