"""Where new mail begins in an IMAP folder: asked once, before its first reading."""

from dataclasses import replace
from datetime import UTC, datetime

from incoming_email.inboxes.folders import parse_position
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.imap.connection import ImapConnection
from incoming_email.inboxes.imap.faults import inbox_errors
from incoming_email.inboxes.imap.position import MAX_UID, Folder, Position, Progress, begin

FIRST_UID = 1
"""UIDs are never 0 (RFC 3501, 9: nz-number)."""


def start_progress(
    connection: ImapConnection, account: ImapAccount, folder: Folder, position: str
) -> Progress:
    """What to search for in the open folder, read so far up to `position`.

    Raises InboxError where the folder is not known yet and the server gives no position in it.
    """
    own = parse_position(account, position)
    last = Position.parse(own)
    if last is not None and _goes_on(last, folder):
        return Progress(last, account.starts_at)
    if folder.validity:
        with inbox_errors(account):
            folder = replace(folder, uid_next=find_uid_next(connection, folder))
    if last is not None and _goes_on(last, folder):
        return Progress(last, account.starts_at)
    is_elsewhere = bool(position) and not own
    start = begin(last, folder, now=datetime.now(UTC), is_elsewhere=is_elsewhere)
    return Progress(start, account.starts_at)


def _goes_on(last: Position, folder: Folder) -> bool:
    """Whether the UIDs are the former ones.

    A UIDNEXT that has fallen means that the server gives out UIDs again which it gave out before,
    as from a backup.
    """
    has_fallen = 0 < folder.uid_next <= last.highest
    return last.validity == folder.validity and not has_fallen


def find_uid_next(connection: ImapConnection, folder: Folder) -> int:
    """A UID above all that were given out when the folder was selected; 0 where it is not known.

    UIDNEXT of SELECT (RFC 3501, 6.3.1), else of STATUS (6.3.10), which Courier 5.0 needs, else the
    UID of the newest message and one. The last also corrects a UIDNEXT that lies too low, by which
    mail that was read long ago would be taken in.
    """
    said = _usable(folder.uid_next, folder) or _ask_status(connection, folder)
    if folder.exists == 0:
        # All that will come is new.
        return said or FIRST_UID
    newest = connection.find_newest()
    if newest and folder.exists and newest.number > folder.exists:
        # It came after SELECT, and others with it maybe.
        newest = connection.find_numbered(folder.exists)
    return max(said, _usable(newest.uid + 1, folder)) if newest else said


def _ask_status(connection: ImapConnection, folder: Folder) -> int:
    """0 where it tells of another moment: what came since SELECT may not be passed over."""
    status = connection.find_status(folder.name)
    if status.get(b"MESSAGES", folder.exists) != folder.exists:
        return 0
    return _usable(status.get(b"UIDNEXT"), folder)


def _usable(uid_next: object, folder: Folder) -> int:
    """0 where it can't be right: UIDs ascend from 1, so it is above the number of messages."""
    if isinstance(uid_next, int) and (folder.exists or 0) < uid_next <= MAX_UID:
        return uid_next
    return 0
