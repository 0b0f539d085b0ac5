"""The connection to the mail server of a project."""

import smtplib

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend

from issues.outbox import AccountInUse
from issues.sending import EmailBackend
from servicedesk.custom_email.hosts import check_address
from servicedesk.models import CustomEmail, Encryption, LoginMethod

ACCOUNT = "custom-email-"
"""Before the id of the row, in OutgoingEmail.account."""


class ProjectBackend(EmailBackend):
    """Never continues unencrypted where TLS was requested, nor without log-in."""

    def __init__(self, custom: CustomEmail, *, exchange_seconds: float | None = None) -> None:
        super().__init__(
            host=custom.host,
            port=custom.port,
            username=custom.user,
            password=custom.password,
            use_tls=custom.encryption == Encryption.STARTTLS,
            use_ssl=custom.encryption == Encryption.TLS,
            timeout=settings.DESK_SMTP_TIMEOUT_SECONDS,
            exchange_seconds=exchange_seconds,
        )
        self._login_method = custom.login_method

    def check_address(self, address: str) -> None:
        check_address(address)

    def log_in(self, client: smtplib.SMTP) -> None:
        if not self.username:
            return
        if self._login_method != LoginMethod.AUTO:
            offered = client.esmtp_features.get("auth", "").upper().split()
            wanted = self._login_method.upper()
            client.esmtp_features["auth"] = wanted if wanted in offered else ""
        client.login(self.username, self.password)


def account_of(custom: CustomEmail) -> str:
    """Its name in OutgoingEmail.account."""
    return f"{ACCOUNT}{custom.pk}"


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
            address=custom.address,
            connection=ProjectBackend(custom),
        )
        for custom in rows.order_by("desk__project__path")
    ]
