"""Folders of a Microsoft 365 mailbox by the names that people give them."""

import unicodedata
from collections.abc import Iterable

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph.connection import GraphConnection, GraphFolder

WELL_KNOWN = frozenset({
    *("archive", "clutter", "conversationhistory", "deleteditems", "drafts", "inbox"),
    *("junkemail", "msgfolderroot", "outbox", "recoverableitemsdeletions", "searchfolders"),
    *("sentitems", "syncissues"),
})  # fmt: skip
MAX_NAMED = 30


def find_folder(connection: GraphConnection, name: str) -> GraphFolder:
    """By a well-known name, a path of names with `/`, or an id. Raises with the names there are."""
    if name.casefold() in WELL_KNOWN:
        return connection.find_folder(name.casefold())
    first, *rest = name.split("/")
    folders = connection.list_folders()
    found = _named(folders, name)  # a name may hold a slash
    if found:
        return found
    if first.casefold() in WELL_KNOWN:
        found = connection.find_folder(first.casefold())
    else:
        found = _named(folders, first)
    for part in rest:
        folders = connection.list_folders(found.id) if found else folders
        found = _named(folders, part) if found else None
    if found is None:
        shown = ", ".join([each.name for each in folders][:MAX_NAMED]) or "none"
        raise InboxError(
            f"the folder {name} does not exist; there are: {shown}",
            remedy="Choose one of these folders, or make the folder in Outlook.",
        )
    return found


def _named(folders: Iterable[GraphFolder], name: str) -> GraphFolder | None:
    key = _key(name)
    return next((each for each in folders if _key(each.name) == key or each.id == name), None)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
