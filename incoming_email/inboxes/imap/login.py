"""Logging in to an IMAP server: LOGIN, AUTHENTICATE PLAIN, or XOAUTH2."""

import imaplib

from imapclient.exceptions import LoginError

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.https import find_text, parse_object
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.imap.connection import ImapConnection
from incoming_email.inboxes.imap.faults import inbox_errors
from incoming_email.inboxes.oauth_client import OAuthClient
from incoming_email.inboxes.oauth_tokens import find_access_token
from incoming_email.inboxes.shared import NOT_FOR_IT

NO_XOAUTH2 = "Use another port, or log in by password: this server does not offer XOAUTH2."
NO_TOKEN_FOR_IT = "this mailbox's token is not for this server, or would be sent in clear"  # noqa: S105
REFUSED_TWICE = (
    "Check that the user is the one who gave consent, that the scope covers IMAP, and that the"
    " provider lets this mailbox be read by IMAP."
)


def log_in(connection: ImapConnection, account: ImapAccount) -> None:
    """Raises InboxError; no password and no token is in its text."""
    if account.oauth is None:
        _log_in_with_password(connection, account)
    else:
        _log_in_with_token(connection, account, account.oauth)


def _log_in_with_password(connection: ImapConnection, account: ImapAccount) -> None:
    """LOGIN, or AUTHENTICATE PLAIN for what LOGIN can't carry (RFC 4616: UTF-8)."""
    with inbox_errors(account):
        offered = connection.capabilities()
        both = account.user + account.password
        plain = b"LOGINDISABLED" in offered or not (both.isascii() and both.isprintable())
        if plain and b"LOGINDISABLED" in offered and not (account.ssl or account.start_tls):
            raise InboxError(
                "the server takes no password without encryption (LOGINDISABLED)",
                remedy="Switch on ssl or start_tls.",
            )
        if not plain:
            connection.login(account.user, account.password)
            return
        credentials = f"\0{account.user}\0{account.password}".encode()
        connection.sasl_login("PLAIN", lambda _challenge: credentials)


def _log_in_with_token(
    connection: ImapConnection, account: ImapAccount, client: OAuthClient
) -> None:
    """A refused token is tried once more with a new one: it may have been withdrawn early."""
    is_sealed = account.ssl or account.start_tls
    if client.command and not client.command.is_for(account.host, is_sealed=is_sealed):
        raise InboxError(NO_TOKEN_FOR_IT, remedy=NOT_FOR_IT)
    with inbox_errors(account):
        if b"AUTH=XOAUTH2" not in connection.capabilities():
            raise InboxError("the server offers no XOAUTH2", remedy=NO_XOAUTH2)
    if not _is_token_taken(connection, account, find_access_token(client)):
        token = find_access_token(client, renew=True)
        with inbox_errors(account, secret=token, remedy=REFUSED_TWICE):
            XOAuth2(account.user, token).log_in(connection)


def _is_token_taken(connection: ImapConnection, account: ImapAccount, token: str) -> bool:
    with inbox_errors(account, secret=token):
        try:
            XOAuth2(account.user, token).log_in(connection)
        except LoginError as error:
            if isinstance(error.__context__, imaplib.IMAP4.abort):
                raise
            return False
    return True


class XOAuth2:
    """One attempt. A refusal comes as a challenge with JSON, which wants an empty answer."""

    def __init__(self, user: str, token: str) -> None:
        self._first = f"user={user}\1auth=Bearer {token}\1\1".encode()
        self._challenge = b""
        self._is_sent = False

    def log_in(self, connection: ImapConnection) -> None:
        try:
            connection.sasl_login("XOAUTH2", self._answer)
        except LoginError as error:
            if message := self._find_message():
                raise LoginError(f"{error} ({message})") from error
            raise

    def _answer(self, challenge: bytes) -> bytes:
        if self._is_sent:
            self._challenge = challenge
            return b""
        self._is_sent = True
        return self._first

    def _find_message(self) -> str:
        """`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`."""
        answer = parse_object(self._challenge)
        words = {name: find_text(answer, name) for name in ("status", "scope")}
        return ", ".join(f"{name} {text}" for name, text in words.items() if text)
