"""Opens the inbox that belongs to an account: the only place that maps kind to class."""

from collections.abc import Iterator
from contextlib import contextmanager

from incoming_email.inboxes.accounts import ImapAccount
from incoming_email.inboxes.base import Inbox
from incoming_email.inboxes.imap import ImapInbox


@contextmanager
def open_inbox(account: ImapAccount, *, position: str = "") -> Iterator[Inbox]:
    """An open inbox, left politely at the end. Raises InboxError.

    `position` is what the inbox gave at the last opening; empty at the first.
    """
    inbox = ImapInbox(account, position)
    try:
        yield inbox
    finally:
        inbox.close()
