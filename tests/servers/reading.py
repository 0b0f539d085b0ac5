"""What tests do with an inbox: read it as pipeline.receiving does."""

import pytest

from incoming_email.inboxes.base import NO_RETRIES, Inbox, InboxError, RawMessage, Retries
from incoming_email.inboxes.methods import Account
from incoming_email.inboxes.opening import open_inbox


def mail(subject: str, body: str = "text") -> bytes:
    return f"From: sender@example.com\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


def read_all(inbox: Inbox) -> list[RawMessage]:
    """All that is waiting and can be read, acknowledged batch by batch."""
    return [message for message in read_each(inbox) if not message.fault]


def read_each(inbox: Inbox, retries: Retries = NO_RETRIES) -> list[RawMessage]:
    """With those that have a fault."""
    messages: list[RawMessage] = []
    for batch in inbox.unread(retries):
        inbox.acknowledge(batch)
        messages += batch
    return messages


def faults(messages: list[RawMessage]) -> dict[int, str]:
    """Of an IMAP folder, by UID."""
    return dict(zip(uids(messages), (message.fault for message in messages), strict=True))


def contents(messages: list[RawMessage]) -> list[bytes]:
    return [message.content for message in messages]


def uids(messages: list[RawMessage]) -> list[int]:
    return [int(message.source_id.rpartition(":")[2]) for message in messages]


def take_in(account: Account, position: str = "") -> tuple[list[int], str]:
    """UIDs of one visit to an IMAP folder, and the position behind it."""
    with open_inbox(account, position=position) as inbox:
        return uids(read_all(inbox)), inbox.position or ""


def mark_of(position: str | None) -> str:
    """The UIDVALIDITY and UIDs of a position in an IMAP folder, without its folder and time."""
    return (position or "").rpartition(" ")[2].partition("@")[0].rstrip("*")


def refusal(account: Account) -> InboxError:
    """Why the inbox can't be opened."""
    with pytest.raises(InboxError) as caught, open_inbox(account):
        pass
    return caught.value
