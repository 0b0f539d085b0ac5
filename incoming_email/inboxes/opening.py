"""Opens the inbox of an account: the only module that maps the kind to a class."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from incoming_email.inboxes.accounts import Account, GraphAccount, MaildirFolder
from incoming_email.inboxes.base import Inbox
from incoming_email.inboxes.graph.reader import GraphInbox
from incoming_email.inboxes.imap.reader import ImapInbox
from incoming_email.inboxes.maildir.reader import MaildirInbox


@contextmanager
def open_inbox(
    account: Account, *, position: str = "", since: datetime | None = None
) -> Iterator[Inbox]:
    """Opens an inbox and closes it at the end. Raises InboxError.

    `position` is what the inbox gave at the last opening; empty at the first. `since`: all that
    arrived since then counts as unread, seen or not, and the inbox has no position.
    """
    inbox = _connect(account, position, since)
    try:
        yield inbox
    finally:
        inbox.close()


def _connect(account: Account, position: str, since: datetime | None) -> Inbox:
    if isinstance(account, MaildirFolder):
        return MaildirInbox(account, position, since=since)
    if isinstance(account, GraphAccount):
        return GraphInbox(account, position, since=since)
    return ImapInbox(account, position, since=since)
