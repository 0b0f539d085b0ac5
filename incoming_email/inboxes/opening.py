"""Opens the inbox of an account, whichever method it is of."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from incoming_email.inboxes.base import Inbox
from incoming_email.inboxes.methods import Account
from incoming_email.inboxes.registry import find_by_account


@contextmanager
def open_inbox(
    account: Account, *, position: str = "", since: datetime | None = None
) -> Iterator[Inbox]:
    """Opens an inbox and closes it at the end. Raises InboxError.

    `position` is what the inbox gave at the last opening; empty at the first. `since`: all that
    arrived since then counts as unread, seen or not, and the inbox has no position. Raises
    LookupError for an account that no mail is fetched with.
    """
    polling = find_by_account(account).polling
    if polling is None:
        raise LookupError(type(account).__name__)
    inbox = polling.open(account, position, since=since)
    try:
        yield inbox
    finally:
        inbox.close()
