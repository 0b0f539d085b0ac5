"""One session at an IMAP server: opened within a deadline, and anew after a fault."""

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.imap.connection import ImapConnection, open_connection, select_folder
from incoming_email.inboxes.imap.faults import inbox_errors
from incoming_email.inboxes.imap.login import log_in
from incoming_email.inboxes.imap.position import Folder

OPENING_TIMEOUTS = 3
"""Connecting, logging in and opening the folder take at most this many times the account's
time-out together."""


class ImapSession:
    """Logged in, with one folder open. Raises InboxError."""

    def __init__(self, account: ImapAccount) -> None:
        self.account = account
        self.connection, self.folder = self._open()
        self._is_faulty = False

    def _open(self) -> tuple[ImapConnection, Folder]:
        within = self.account.timeout * OPENING_TIMEOUTS
        connection = open_connection(self.account, within=within)
        try:
            log_in(connection, self.account)
            return connection, select_folder(connection, self.account)
        except InboxError:
            connection.leave(politely=False)
            raise

    def is_opened(self) -> None:
        """From here on each command has a deadline of its own."""
        self.connection.limit(None)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            with inbox_errors(self.account):
                yield
        except InboxError as fault:
            # What comes next on this connection may be the rest of an answer: no LOGOUT on it.
            # Behind a plain NO or BAD there is no rest.
            self._is_faulty |= type(fault.__cause__) is not imaplib.IMAP4.error
            raise

    def recover(self) -> None:
        """A new connection to the same folder, unless the last fault left the one we have in order.

        Raises where the server can't be reached, or gave out new UIDs meanwhile.
        """
        if not self._is_faulty:
            return
        self.connection.leave(politely=False)
        self.connection, folder = self._open()
        self.is_opened()
        self._is_faulty = False
        if folder.validity != self.folder.validity:
            raise InboxError(
                "the server gave the folder new ids (UIDVALIDITY) during the reading",
                remedy="Nothing to do: it is read anew at the next opening.",
            )

    def close(self) -> None:
        self.connection.leave(politely=not self._is_faulty)
