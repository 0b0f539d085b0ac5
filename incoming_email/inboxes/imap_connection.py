"""An IMAP connection: TLS that is always verified, and the folder by its name."""

import contextlib
import imaplib
import ssl
import time
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime

from imapclient import DELETED, SEEN, IMAPClient
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.imapclient import Quota

from incoming_email.inboxes.accounts import ImapAccount
from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap_faults import inbox_errors
from incoming_email.inboxes.imap_position import Folder
from incoming_email.inboxes.imap_wire import BoundedIMAP4

GOODBYE_SECONDS = 5.0
MAX_LISTED = 30
QUOTA_SHARE = 0.9
"""From this share on people are told."""


class ImapConnection(IMAPClient):  # type: ignore[misc]  # IMAPClient comes without types
    """IMAPClient over our own reader. Raises what the libraries raise."""

    _imap: BoundedIMAP4

    def __init__(self, account: ImapAccount, *, cutoff: float | None = None) -> None:
        self._account = account
        self._cutoff = cutoff
        self._quota = ""
        self._context: ssl.SSLContext | None = None
        if account.ssl or account.start_tls:
            self._context = ssl.create_default_context(cafile=account.ca_file or None)
        super().__init__(account.host, account.port, ssl=account.ssl, timeout=account.timeout)
        self.normalise_times = False  # INTERNALDATE with its time zone
        # At IMAPClient's level 5 imaplib makes a repr of every message.
        self._imap.debug = 0

    def _create_IMAP4(self) -> BoundedIMAP4:  # noqa: N802 (IMAPClient's hook)
        tls = self._context if self._account.ssl else None
        return BoundedIMAP4(self._account, tls=tls, cutoff=self._cutoff)

    def secure(self) -> None:
        """STARTTLS; raises when the server has none, also on a PREAUTH greeting."""
        self.starttls(self._context)

    def limit(self, seconds: float) -> None:
        """All that follows must be over in so many seconds."""
        self._imap.cutoff = time.monotonic() + seconds

    def find_certificate(self) -> Mapping[str, object]:
        """The server's certificate as `SSLSocket.getpeercert` gives it; empty without TLS."""
        sock = self.socket()
        return (sock.getpeercert() or {}) if isinstance(sock, ssl.SSLSocket) else {}

    def forget_notices(self) -> None:
        """imaplib keeps every untagged line for ever."""
        self._imap.untagged_responses.clear()

    def find_notices(self) -> list[bytes]:
        """Changes that came with the answers to other commands, as the lines were."""
        lines = []
        for kind in ("EXPUNGE", "EXISTS", "RECENT"):
            numbers = self._imap.untagged_responses.get(kind, [])
            lines += [b"* %s %s" % (n, kind.encode()) for n in numbers if isinstance(n, bytes)]
        return lines

    def find_alerts(self) -> list[str]:
        """What people must be shown: the server's alerts, and that the quota is nearly used up."""
        return list(filter(None, [*self._imap.alerts, self._quota]))

    def look_at_quota(self, folder: str) -> None:
        """RFC 2087. A server without a good answer to that is no reason not to read."""
        if not self.has_capability("QUOTA"):
            return
        try:
            _roots, quotas = self.get_quota_root(folder)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, ValueError, LookupError, TypeError):
            return
        self._quota = next(filter(None, map(_describe_quota, quotas)), "")

    def search_uids(self, criteria: str) -> list[int]:
        """Ascending. The answer may come in several lines and may end with a MODSEQ."""
        kind, lines = self._imap.uid("SEARCH", criteria)
        if kind != "OK":
            raise imaplib.IMAP4.error(f"SEARCH: {lines[0]!r}")
        texts = [line.partition(b"(")[0] for line in lines if isinstance(line, bytes)]
        return sorted({int(uid) for text in texts for uid in text.split()})

    def find_newest_date(self) -> datetime | None:
        """When the server got its newest message (INTERNALDATE); None where it does not say."""
        rows = self.fetch([max(self.search_uids("UID *"), default=1)], ["INTERNALDATE"])
        dates = [row.get(b"INTERNALDATE") for row in rows.values()]
        return next((date for date in dates if isinstance(date, datetime) and date.tzinfo), None)

    def idle_lines(self, seconds: float) -> list[bytes] | None:
        return self._imap.idle_lines(seconds)

    def noop_lines(self) -> list[bytes]:
        self.forget_notices()
        self.noop()
        return self.find_notices()

    def leave(self, *, politely: bool = True) -> None:
        """LOGOUT, never CLOSE: that would expunge what others have marked (RFC 3501, 6.4.2)."""
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            if politely:
                self.limit(GOODBYE_SECONDS)
                self.logout()
        with contextlib.suppress(OSError):
            self.shutdown()


def _describe_quota(quota: Quota) -> str:
    usage, limit = quota.usage, quota.limit
    if not (isinstance(usage, int) and isinstance(limit, int)) or limit <= 0:
        return ""
    if usage < limit * QUOTA_SHARE:
        return ""
    share = 100 * usage // limit
    unit = " KB" if quota.resource.upper() == "STORAGE" else ""
    return (
        f"{share} % of the quota is used ({quota.resource}: {usage} of {limit}{unit});"
        " when it is full, mail to this address is refused."
    )


def open_connection(account: ImapAccount, *, within: float | None = None) -> ImapConnection:
    """Connected and, if asked for, encrypted; not logged in. `within`: seconds for all of it."""
    if account.ssl and account.start_tls:
        raise InboxError(
            "ssl and start_tls are both on",
            remedy="Switch one of them off: 993 ssl, 143 start_tls.",
        )
    cutoff = None if within is None else time.monotonic() + within
    with inbox_errors(account):
        connection = ImapConnection(account, cutoff=cutoff)
    try:
        if account.start_tls:
            with inbox_errors(account):
                connection.secure()
    except InboxError:
        connection.leave(politely=False)
        raise
    return connection


def select_folder(connection: ImapConnection, account: ImapAccount) -> Folder:
    """The folder opened for writing. Raises InboxError with the names that exist."""
    with inbox_errors(account):
        try:
            answer = connection.select_folder(account.folder)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as refusal:
            listed = connection.list_folders()
            name = find_folder(account.folder, ((mark, name) for _flags, mark, name in listed))
            if name is None:
                raise _missing(account.folder, [name for *_rest, name in listed]) from refusal
            answer = connection.select_folder(name)
        connection.look_at_quota(account.folder)
        uid_next = answer.get(b"UIDNEXT") or max(connection.search_uids("UID *"), default=0) + 1
        return Folder(
            validity=int(answer.get(b"UIDVALIDITY", 0)),
            uid_next=int(uid_next),
            exists=int(answer.get(b"EXISTS", 0)),
            keeps_flags={SEEN, DELETED} <= set(answer.get(b"PERMANENTFLAGS", (SEEN, DELETED))),
        )


def find_folder(wanted: str, listed: Iterable[tuple[bytes | None, str]]) -> str | None:
    """The listed name that is meant, whatever its separator, case, or umlaut's encoding."""
    spellings = {wanted, decode_utf7(wanted.encode())} if wanted.isascii() else {wanted}
    for separator, name in listed:
        mark = (separator or b"/").decode("ascii", "replace")
        keys = {
            _folder_key(text.replace(other, "/")) for text in spellings for other in (mark, ".")
        }
        keys |= {_folder_key(text) for text in spellings}
        if _folder_key(name.replace(mark, "/")) in keys:
            return name
    return None


def _folder_key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _missing(folder: str, names: list[str]) -> InboxError:
    shown = ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
    return InboxError(
        f"the folder {folder} does not exist; there are: {shown or 'none'}",
        remedy="Choose one of these folders, or make the folder on the server.",
    )
