"""Converts what the mail libraries raise into an InboxError with the server's message and a
remedy."""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from imapclient.exceptions import CapabilityError, LoginError

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.describing import EXPIRED, UNTRUSTED, WRONG_NAME
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.networks import USE_PUBLIC_HOST, LocalAddress

SERVER_FAULTS = (
    imaplib.IMAP4.error,
    OSError,
    ValueError,
    MemoryError,
    # What IMAPClient lets through when an answer is not IMAP at all.
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)

BYTES_IN_TEXT = re.compile(r"""\[?b(['"])(.*?)\1\]?""", re.DOTALL)
MAX_DETAIL = 500

UNEXPECTED = "unexpected response"
"""imaplib's message for a line that is not valid IMAP there."""


def find_message(error: BaseException) -> str:
    """The server's message, without Python's notation of bytes."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is refused: {error.verify_message}"
    first = error.args[0] if error.args else ""
    text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
    if isinstance(error, UnicodeError):
        # Its text and arguments hold what was to be sent, which may be the password.
        text = "a name holds characters that this server can't be sent"
    elif isinstance(error, TimeoutError):
        text = f"no answer in time ({text})" if text else "no answer in time"
    text = BYTES_IN_TEXT.sub(r"\2", text)
    return (text or type(error).__name__)[:MAX_DETAIL]


def _certificate_remedy(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in UNTRUSTED:
        return "Name the PEM file of the authority that signed it as the account's CA file."
    if error.verify_code == EXPIRED:
        return "Renew the certificate on the mail server."
    if error.verify_code in WRONG_NAME:
        return "Use as host the name that the certificate was issued for."
    return "Repair the certificate on the mail server."


def find_remedy(error: BaseException, account: ImapAccount) -> str:
    """A remedy, chosen by the kind of fault; the first row that matches."""
    if isinstance(error, LoginError) and isinstance(error.__context__, imaplib.IMAP4.abort):
        error = error.__context__  # the connection broke, the password is not at fault
    rows: tuple[tuple[type[BaseException], str], ...] = (
        (socket.gaierror, f"Check the host name {account.host} and this machine's DNS."),
        (ConnectionRefusedError, "Check host and port, and whether the mail server runs."),
        (LocalAddress, USE_PUBLIC_HOST),
        (TimeoutError, _silence_remedy(account)),
        (LoginError, "Check user and password; some providers want an app password here."),
        (CapabilityError, "Use another port; for TLS at once (993) switch ssl on, start_tls off."),
        (imaplib.IMAP4.readonly, "Give this user the right to change flags in the folder."),
        (imaplib.IMAP4.abort, _breach_remedy(error)),
        (imaplib.IMAP4.error, "Look at the server's log; the command was refused."),
        (FileNotFoundError, "Check the path of the CA file."),
        (OSError, "Check the network between this machine and the mail server."),
    )
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_remedy(error)
    if isinstance(error, ssl.SSLError):
        return _tls_remedy(error, account)
    for kind, remedy in rows:
        if isinstance(error, kind):
            return remedy
    return "The answer was not understood; check that this port is an IMAP server."


def _silence_remedy(account: ImapAccount) -> str:
    if account.ssl:
        return "Check host, port and firewall."
    return "Check host, port and firewall; a port that expects TLS at once (993) needs ssl on."


def _breach_remedy(error: BaseException) -> str:
    if UNEXPECTED in str(error):
        return "Check the port: what answers there is no IMAP server, or sends rubbish."
    return "The connection broke; it is tried again."


def _tls_remedy(error: ssl.SSLError, account: ImapAccount) -> str:
    if error.reason in {"NO_CERTIFICATE_OR_CRL_FOUND", "PEM_LIB", "NO_START_LINE"}:
        return "The CA file holds no certificate; check that it is a PEM file."
    if account.ssl:
        return (
            "Does this port speak TLS at once? With STARTTLS (143), switch ssl off, start_tls on."
        )
    return "The server's TLS set-up is at fault; look at its log."


@contextmanager
def inbox_errors(account: ImapAccount, *, remedy: str = "", secret: str = "") -> Iterator[None]:
    """Converts every fault of a library call into InboxError. Neither the password nor `secret` is
    ever in the text."""
    try:
        yield
    except SERVER_FAULTS as error:
        message = find_message(error)
        shown = message
        for hidden in filter(None, (account.password, secret)):
            shown = shown.replace(hidden, "[password]")
        # A chained exception is printed in logs: not when it may quote the password.
        cause = error if shown == message and not isinstance(error, UnicodeError) else None
        raise InboxError(shown, remedy=remedy or find_remedy(error, account)) from cause
