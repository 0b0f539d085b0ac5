"""An IMAP connection: TLS that is always verified, and the folder by its name."""

import contextlib
import imaplib
import re
import ssl
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from imapclient import DELETED, SEEN, IMAPClient
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.imapclient import Quota
from imapclient.response_parser import parse_fetch_response

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.imap.faults import inbox_errors
from incoming_email.inboxes.imap.position import Folder
from incoming_email.inboxes.imap.wire import BoundedIMAP4

GOODBYE_SECONDS = 5.0
MAX_LISTED = 30
QUOTA_SHARE = 0.9
"""Share of the quota from which on people are notified."""

UNREADABLE = (imaplib.IMAP4.error, ValueError, LookupError, TypeError)
"""A command that is refused, or an answer that is not as it must be."""

NUMBER = re.compile(rb"\d{1,20}")
NUMBERS = frozenset({"UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"})
"""Response codes of SELECT whose value is a number."""


@dataclass(frozen=True, slots=True)
class Located:
    """A message of the open folder."""

    number: int
    """Its sequence number; that of the newest says how many messages there are."""

    uid: int
    came_at: datetime | None
    """INTERNALDATE, with its time zone; None where the server does not say."""


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

    def limit(self, seconds: float | None) -> None:
        """All that follows must be over in so many seconds; None: each command by itself."""
        self._imap.cutoff = None if seconds is None else time.monotonic() + seconds

    def find_certificate(self) -> Mapping[str, object]:
        """The server's certificate as `SSLSocket.getpeercert` gives it; empty without TLS."""
        sock = self.socket()
        return (sock.getpeercert() or {}) if isinstance(sock, ssl.SSLSocket) else {}

    def fetch_content(
        self, uids: list[int], item: str, *, size: int
    ) -> dict[int, dict[bytes, object]]:
        """What FETCH says of these messages, which have so many bytes together: the time and the
        memory of the answer are bounded by that."""
        self._imap.untagged_responses.pop("FETCH", None)  # the rest of an answer that was refused
        self._imap.expected_bytes = size
        answer: dict[int, dict[bytes, object]] = self.fetch(uids, [item])
        return answer

    def find_left(self, uids: Iterable[int]) -> set[int]:
        """Which of these messages are still there. NOOP first: a session may see what it likes
        of the removals by others until then (RFC 3501, 7.4.1)."""
        self.noop()
        return set(self.search_uids("UID " + ",".join(map(str, uids))))

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
        except UNREADABLE:
            return
        self._quota = next(filter(None, map(_describe_quota, quotas)), "")

    def search_uids(self, criteria: str) -> list[int]:
        """Ascending. The answer may come in several lines and may end with a MODSEQ."""
        kind, lines = self._imap.uid("SEARCH", criteria)
        if kind != "OK":
            raise imaplib.IMAP4.error(f"SEARCH: {lines[0]!r}")
        texts = [line.partition(b"(")[0] for line in lines if isinstance(line, bytes)]
        return sorted({int(uid) for text in texts for uid in text.split()})

    def _process_select_response(  # IMAPClient's hook
        self, answers: Mapping[str, list[bytes | None]]
    ) -> dict[bytes, object]:
        """Without a UIDNEXT or the like that is no number, which IMAPClient stumbles over."""
        usable = {
            kind: values
            for kind, values in answers.items()
            if kind not in NUMBERS or NUMBER.fullmatch(values[0] or b"")
        }
        answer: dict[bytes, object] = super()._process_select_response(usable)
        return answer

    def find_newest(self) -> Located | None:
        """The last message of the open folder; None where it is empty or the server does not say.

        By FETCH, since `UID SEARCH UID *` finds nothing on Courier 5.0 and is BAD on GNU
        mailutils 3.15.
        """
        return self._locate("UID", "FETCH", "*")

    def find_numbered(self, number: int) -> Located | None:
        """The message with this sequence number; None where the server does not say."""
        located = self._locate("FETCH", str(number))
        return located if located and located.number == number else None

    def _locate(self, *command: str) -> Located | None:
        """Of the messages that the answer tells of, the last one."""
        try:
            tag = self._imap._command(*command, "(UID INTERNALDATE)")
            kind, lines = self._imap._command_complete("FETCH", tag)
            _kind, lines = self._imap._untagged_response(kind, lines, "FETCH")
            rows = parse_fetch_response(lines, normalise_times=False, uid_is_key=False)
        except imaplib.IMAP4.abort:
            raise
        except UNREADABLE:
            return None
        # A notice of another message may have come along, mostly without its UID.
        number = max((each for each, row in rows.items() if b"UID" in row), default=0)
        if kind != "OK" or not number:
            return None
        date = rows[number].get(b"INTERNALDATE")
        came_at = date if isinstance(date, datetime) and date.tzinfo else None
        return Located(number, rows[number][b"UID"], came_at)

    def find_status(self, folder: str) -> Mapping[bytes, object]:
        """MESSAGES and UIDNEXT by STATUS; empty where the server refuses or can't be understood.

        Servers must answer for the selected folder too (RFC 9051, 6.3.11). There Courier 5.0
        tells of the moment when the session last looked, Cyrus 3.6 and mailutils 3.15 of now.
        """
        try:
            status: dict[bytes, object] = self.folder_status(folder, ["MESSAGES", "UIDNEXT"])
        except imaplib.IMAP4.abort:
            raise
        except UNREADABLE:
            return {}
        return status

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
    """Open the account's folder for reading and writing (SELECT).

    Raises InboxError; where there is no such folder, with the names that exist.
    """
    with inbox_errors(account):
        name = account.folder
        try:
            answer = connection.select_folder(name)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as refusal:
            listed = connection.list_folders()
            found = find_folder(account.folder, ((mark, each) for _flags, mark, each in listed))
            if found is None:
                raise _missing(account.folder, [each for *_rest, each in listed]) from refusal
            name = found
            answer = connection.select_folder(name)
        connection.look_at_quota(name)
        return Folder(
            validity=answer.get(b"UIDVALIDITY", 0),
            uid_next=answer.get(b"UIDNEXT", 0),
            exists=answer.get(b"EXISTS"),
            kept_flags=frozenset(answer.get(b"PERMANENTFLAGS", (SEEN, DELETED))),
            name=name,
        )


def find_folder(wanted: str, listed: Iterable[tuple[bytes | None, str]]) -> str | None:
    """The listed name that is meant, whatever its separator, case, or umlaut's encoding."""
    variants = {wanted, decode_utf7(wanted.encode())} if wanted.isascii() else {wanted}
    for separator, name in listed:
        mark = (separator or b"/").decode("ascii", "replace")
        keys = {_folder_key(text.replace(other, "/")) for text in variants for other in (mark, ".")}
        keys |= {_folder_key(text) for text in variants}
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
