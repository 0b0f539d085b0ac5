"""The check of our own listener: whether it greets."""

import smtplib
import socket
from collections.abc import Generator

from incoming_email.inboxes.base import Answer
from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.describing import describe_error
from incoming_email.inboxes.methods import Said, Step, StepAnswer
from incoming_email.inboxes.smtp.account import Listener

STEPS = (Step("listener"),)
LMTP_SECONDS = 1.0
PATIENCE = 0.9
"""Share of the time that it may be silent by SMTP, so that LMTP is tried within it."""

EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  (compared with, not listened at)


def ask(listener: Listener, _position: str, seconds: float) -> Generator[StepAnswer, None, None]:
    """Whether it greets with 220 (RFC 5321 section 4.2), by SMTP or else by LMTP.

    Where its host is every address, it may listen in another container, which has a network of its
    own: then it is enough that it was seen alive.
    """
    host, name = listener.host, listener.host_name
    try:
        client = smtplib.SMTP(host, listener.port, local_hostname=name, timeout=seconds * PATIENCE)
    except (OSError, smtplib.SMTPException) as error:
        if _greets_by_lmtp(listener):
            yield Said(Answer.YES, _("it greets with 220, by LMTP"))
            return
        if host in EVERY_ADDRESS and listener.is_alive:
            text = _("it does not answer on this machine, but was seen alive on another one")
            yield Said(Answer.YES, text)
            return
        remedy = _(
            "Start it: python manage.py serve_smtp. Check SMTP_LISTENER_HOST, SMTP_LISTENER_PORT."
        )
        yield Said(Answer.NO, describe_error(error), remedy)
        return
    client.close()  # without QUIT, whose answer would be waited for
    yield Said(Answer.YES, _("it greets with 220"))


def _greets_by_lmtp(listener: Listener) -> bool:
    try:
        address = (listener.host, listener.lmtp_port)
        with socket.create_connection(address, LMTP_SECONDS) as connection:
            return connection.recv(4).startswith(b"220")
    except OSError:
        return False
