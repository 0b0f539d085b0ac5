"""What names a folder: a stored position counts in that folder only."""

import hashlib
import re
from typing import Protocol

KEPT = re.compile(r"([0-9a-f]{16}) (.*)", re.DOTALL)
"""A folder's key and the position in it. Version 0.1.0 stored the position alone."""


class HasFolder(Protocol):
    @property
    def folder_key(self) -> str:
        """Made by `make_key`: names the folder, by whatever port or encryption it is reached.

        The same UIDVALIDITY says little: at some providers the INBOX of every user has the same.
        """
        ...


def make_key(*names: str) -> str:
    """16 hex digits."""
    return digest(*names)[:16]


def write_position(account: HasFolder, position: str) -> str:
    """What is stored: the folder's key and the position in it."""
    return f"{account.folder_key} {position}"


def parse_position(account: HasFolder, stored: str) -> str:
    """The position in the account's folder; empty where another folder was read last."""
    match = KEPT.fullmatch(stored)
    if match is None:
        return stored
    return match[2] if match[1] == account.folder_key else ""


def normalise(folder: str) -> str:
    """INBOX in any case is the same (RFC 3501, 5.1)."""
    return "inbox" if folder.lower() == "inbox" else folder


def digest(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()
