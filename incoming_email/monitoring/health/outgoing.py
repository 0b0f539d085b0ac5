"""Servers for outgoing mail: that of EMAIL_URL, and those of projects."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.describing import EXPIRED, UNTRUSTED, describe_error, name_server
from incoming_email.monitoring.health.examinations import Examination, Probe
from incoming_email.monitoring.health.servers import PATIENCE
from issues.outbox import AccountInUse, bare_address, find_accounts_in_use, leaves_the_machine
from issues.sending import EmailBackend, Refused, Scope, Stage, judge

STEP = "outgoing mail"
PROJECT_STEP = "outgoing mail of a project"
MOST_PROJECTS = 50
"""All are asked side by side, and a thread each is enough for so many."""


def examine_outgoing(*, timeout: float) -> Examination:
    if not leaves_the_machine():
        detail = _("EMAIL_URL names no mail server: mail is stored on this machine")
        return Examination(before=[Finding(STEP, Answer.SKIPPED, detail)])
    return Examination(
        server=name_server(settings.EMAIL_HOST, settings.EMAIL_PORT),
        probe=Probe((STEP,), lambda: find_outgoing(timeout=timeout * PATIENCE), timeout),
    )


def find_outgoing(*, timeout: float) -> Iterator[Finding]:
    """Connects, logs in and goes as far as RCPT, as for sending. No mail is sent."""
    server = mail.get_connection(timeout=timeout, exchange_seconds=timeout)
    address = bare_address(settings.DEFAULT_FROM_EMAIL)
    error = _try_out(server, address)
    if isinstance(error, Refused) and _is_about_recipient(error):
        detail = _("it takes no mail to %(address)s: %(message)s") % {
            "address": address,
            "message": describe_error(error),
        }
        remedy = _("Set DEFAULT_FROM_EMAIL to an address that exists: returned mail goes there.")
        yield Finding(STEP, Answer.WARN, detail, remedy)
        return
    if error is not None:
        message = describe_error(error, settings.EMAIL_HOST_PASSWORD)
        yield Finding(STEP, Answer.NO, message, _find_remedy(error))
        return
    user = settings.EMAIL_HOST_USER if settings.EMAIL_HOST_PASSWORD else ""
    detail = _("logged in as %(user)s") % {"user": user} if user else _("connected")
    yield Finding(STEP, Answer.YES, detail)


def _is_about_recipient(error: Refused) -> bool:
    """Greylisted, or no such address: other mail may well be taken."""
    return error.stage is Stage.RCPT and judge(error).scope is Scope.MESSAGE


def examine_projects(*, timeout: float) -> list[Examination]:
    """One for each project that has a server of its own."""
    accounts = find_accounts_in_use()
    examinations = [
        Examination(
            server=account.server,
            probe=Probe((PROJECT_STEP,), partial(_find_of_project, account), timeout),
        )
        for account in accounts[:MOST_PROJECTS]
    ]
    if len(accounts) > MOST_PROJECTS:
        detail = _("not checked because there are too many: %(count)d") % {
            "count": len(accounts) - MOST_PROJECTS
        }
        left = Finding(PROJECT_STEP, Answer.SKIPPED, detail)
        examinations.append(Examination(before=[left]))
    return examinations


def _find_of_project(account: AccountInUse) -> Iterator[Finding]:
    """Only a warning: the project's maintainers have set it up, and others are not affected."""
    error = _try_out(account.connection, account.address)
    if error is None or (isinstance(error, Refused) and _is_about_recipient(error)):
        yield Finding(PROJECT_STEP, Answer.YES, account.owner)
        return
    message = describe_error(error, str(getattr(account.connection, "password", "") or ""))
    remedy = _(
        "Ask a maintainer to correct the server on the page of the project's custom address."
    )
    yield Finding(PROJECT_STEP, Answer.WARN, f"{account.owner}: {message}", remedy)


def _try_out(server: BaseEmailBackend, address: str) -> Exception | None:
    """The fault, if there is one."""
    try:
        try:
            if isinstance(server, EmailBackend):
                server.try_address(address)
            else:
                server.open()
        finally:
            server.close()
    except (OSError, ValueError) as error:  # smtplib's faults are OSErrors
        return error
    return None


def _find_remedy(error: Exception) -> str:
    """A remedy, by the kind of fault; the first row that matches."""
    rows: tuple[tuple[type[BaseException], str], ...] = (
        (
            smtplib.SMTPAuthenticationError,
            _("Check EMAIL_URL: user and password. Some providers require an app password."),
        ),
        (ssl.SSLCertVerificationError, _find_certificate_remedy(error)),
        (
            ssl.SSLError,
            _("Check EMAIL_URL: smtp+ssl is for implicit TLS (465), smtp+tls for STARTTLS (587)."),
        ),
        (
            smtplib.SMTPNotSupportedError,
            _("Check EMAIL_URL: the server does not offer what the scheme or the user asks for."),
        ),
        (
            Refused,
            _(
                "The server refuses our mail: see whether it wants a log-in in EMAIL_URL, whether a"
                " limit is used up, and whether DEFAULT_FROM_EMAIL may send by it."
            ),
        ),
        (socket.gaierror, _("Check EMAIL_URL: the host name, and this machine's DNS.")),
    )
    other = _("Check EMAIL_URL: scheme, user, password, host and port. Mail waits meanwhile.")
    return next((remedy for kind, remedy in rows if isinstance(error, kind)), other)


def _find_certificate_remedy(error: Exception) -> str:
    code = getattr(error, "verify_code", 0)
    if code == EXPIRED:
        return _("Renew the certificate on the mail server, or correct the clock of this machine.")
    if code in UNTRUSTED:
        return _("Add the authority that signed the server's certificate to those of this machine.")
    return _("Check EMAIL_URL: the host must be the name in the server's certificate.")
