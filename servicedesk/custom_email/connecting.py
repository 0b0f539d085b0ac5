"""The connection to the mail server of a project."""

import smtplib
import socket
from typing import Any

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend

from issues.outbox import AccountInUse
from issues.sending import EmailBackend
from servicedesk.custom_email.hosts import connect
from servicedesk.models import CustomEmail, Encryption, LoginMethod

ACCOUNT = "custom-email-"
"""Before the id of the row, in OutgoingEmail.account."""


class GuardedClient(smtplib.SMTP):
    """Connects only to hosts that are allowed as a project's mail server."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connect(host, port, timeout)


class GuardedTlsClient(smtplib.SMTP_SSL, GuardedClient):
    """SMTP_SSL wraps the socket that GuardedClient opens."""


class ProjectBackend(EmailBackend):
    """Never continues unencrypted where TLS was requested, nor without log-in."""

    def __init__(self, custom: CustomEmail) -> None:
        super().__init__(
            host=custom.host,
            port=custom.port,
            username=custom.user,
            password=custom.password,
            use_tls=custom.encryption == Encryption.STARTTLS,
            use_ssl=custom.encryption == Encryption.TLS,
        )
        self._own_name = custom.address.rpartition("@")[2]
        self._login_method = custom.login_method

    def open(self) -> bool:
        if self.connection is not None:
            return False
        kind = GuardedTlsClient if self.use_ssl else GuardedClient
        options: dict[str, Any] = {"context": self.ssl_context} if self.use_ssl else {}
        options["timeout"] = settings.DESK_SMTP_TIMEOUT_SECONDS
        client = kind(self.host, self.port, local_hostname=self._own_name, **options)
        try:
            self._prepare(client)
        except BaseException:
            client.close()
            raise
        self.connection = client
        return True

    def _prepare(self, client: smtplib.SMTP) -> None:
        if self.use_tls:
            client.starttls(context=self.ssl_context)
        if not self.username:
            return
        if self._login_method != LoginMethod.AUTO:
            client.ehlo_or_helo_if_needed()
            offered = client.esmtp_features.get("auth", "").upper().split()
            wanted = self._login_method.upper()
            client.esmtp_features["auth"] = wanted if wanted in offered else ""
        client.login(self.username, self.password)


def find_connection(account: str) -> BaseEmailBackend | None:
    """For MAIL_CONNECTIONS; None for an address that was replaced since, or is not ours."""
    number = account.removeprefix(ACCOUNT)
    if number == account or not number.isdecimal():
        return None
    custom = CustomEmail.objects.filter(pk=int(number), retired_at=None).first()
    return None if custom is None else ProjectBackend(custom)


def find_accounts_in_use() -> list[AccountInUse]:
    """For MAIL_ACCOUNTS_IN_USE: of the desks that write from their own address."""
    rows = CustomEmail.objects.filter(enabled=True).select_related("desk__project")
    return [
        AccountInUse(
            owner=f"{custom.desk.project.path}, {custom.address}",
            server=f"{custom.host}:{custom.port}",
            connection=ProjectBackend(custom),
        )
        for custom in rows.order_by("desk__project__path")
    ]
