"""Which folder an account reads: a stored position counts in that folder only."""

import hashlib
import re

from incoming_email.inboxes.accounts import Account, GraphAccount, ImapAccount, MaildirFolder

KEPT = re.compile(r"([0-9a-f]{16}) (.*)", re.DOTALL)
"""A folder's key and the position in it. Version 0.1.0 stored the position alone."""


def folder_key(account: Account) -> str:
    """16 hex digits that name the folder, by whatever port or encryption it is reached.

    The same UIDVALIDITY says little: at some providers the INBOX of every user has the same.
    """
    match account:
        case MaildirFolder():
            return _digest("maildir", account.path.rstrip("/"))[:16]
        case GraphAccount():
            return _digest("graph", account.user.lower(), _name(account.folder))[:16]
        case ImapAccount():
            folder = _name(account.folder)
            return _digest("imap", account.host.lower(), account.user, folder)[:16]


def folder_digest(account: ImapAccount) -> str:
    """Eight hex digits that begin the ids of the folder's messages."""
    return _digest(account.host, str(account.port), account.user, _name(account.folder))[:8]


def write_position(account: Account, position: str) -> str:
    """What is stored: the folder's key and the position in it."""
    return f"{folder_key(account)} {position}"


def parse_position(account: Account, stored: str) -> str:
    """The position in the account's folder; empty where another folder was read last."""
    match = KEPT.fullmatch(stored)
    if match is None:
        return stored
    return match[2] if match[1] == folder_key(account) else ""


def _name(folder: str) -> str:
    """INBOX in any case is the same (RFC 3501, 5.1)."""
    return "inbox" if folder.lower() == "inbox" else folder


def _digest(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()
