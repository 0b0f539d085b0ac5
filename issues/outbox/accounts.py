"""The server that a mail goes out by: that of EMAIL_URL, or one that a floor above knows."""

from typing import Protocol, cast

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string


class FindConnection(Protocol):
    def __call__(self, account: str) -> BaseEmailBackend | None:
        """Not opened yet; None where the account is no more."""


def connect(account: str) -> BaseEmailBackend:
    """A connection that is not opened yet. An account that is gone leaves its mail to EMAIL_URL."""
    if account and settings.ISSUES_MAIL_ACCOUNTS:
        find = cast("FindConnection", import_string(settings.ISSUES_MAIL_ACCOUNTS))
        found = find(account)
        if found is not None:
            return found
    connection: BaseEmailBackend = mail.get_connection()
    return connection
