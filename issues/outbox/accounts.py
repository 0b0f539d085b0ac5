"""The server that a mail goes out by: that of EMAIL_URL, or one that a layer above knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.core import mail
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string

from issues.extension_points import ExtensionPoint, declare


@dataclass(frozen=True, slots=True)
class AccountInUse:
    """A mail server of a project that mail goes out by now, for the check to try.

    `owner` and `server` name them to people; the connection is not opened yet.
    """

    owner: str
    server: str
    address: str
    """That it writes from."""

    connection: BaseEmailBackend


class FindConnection(Protocol):
    def __call__(self, account: str) -> BaseEmailBackend | None:
        """Not opened yet; None where the account is no more."""


class FindAccounts(Protocol):
    def __call__(self) -> Sequence[AccountInUse]:
        """Those that mail goes out by now."""


MAIL_CONNECTIONS: ExtensionPoint[FindConnection] = declare("mail servers of projects")
MAIL_ACCOUNTS_IN_USE: ExtensionPoint[FindAccounts] = declare("the mail servers that are checked")


def connect(account: str) -> BaseEmailBackend:
    """A connection that is not opened yet. An account that is gone leaves its mail to EMAIL_URL."""
    find = MAIL_CONNECTIONS.find()
    found = find(account) if account and find is not None else None
    if found is not None:
        return found
    connection: BaseEmailBackend = mail.get_connection()
    return connection


def find_accounts_in_use() -> Sequence[AccountInUse]:
    find = MAIL_ACCOUNTS_IN_USE.find()
    return () if find is None else find()


def leaves_the_machine() -> bool:
    """Whether EMAIL_URL names a server; otherwise mail is only stored."""
    return issubclass(import_string(settings.EMAIL_BACKEND), smtp.EmailBackend)
