"""What a refusal means: is it the mail, or would the server refuse every mail?"""

import re
import smtplib
import ssl
from dataclasses import dataclass
from enum import Enum, auto

from issues.sending.backend import Unsendable
from issues.sending.client import CLOSING, Refused, Stage

PERMANENT = range(500, 600)
TEMPORARY = range(400, 500)
LOG_IN = frozenset({530, 534, 535, 538})
"""RFC 4954 section 6: the server wants a log-in, another one, or a safer one."""

STORAGE = 552
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
OF_ACCOUNT = frozenset({"5.3.2", "5.4.5", "5.1.90", "5.7.3", "5.7.8", "5.7.9", "5.7.57", "5.7.139"})
"""Not accepting mail, limits of a day (5.4.5 Gmail, 5.1.90 Microsoft), log-in (RFC 4954, and 5.7.3,
5.7.57, 5.7.139 of Microsoft)."""

OF_MESSAGE = re.compile(r"5\.(?:1\.(?:[1236]|10)|2\.\d+|3\.4|6\.\d+)")
"""RFC 3463: no such address, its mailbox, a message that is too big, its content."""

RELAY = re.compile(r"\brelay", re.IGNORECASE)
LIMIT = re.compile(r"\b(?:daily|hourly|sending|outgoing)\b.{0,40}\b(?:limit|quota)", re.IGNORECASE)
SIZE = re.compile(r"\bsize\b|\btoo (?:big|large|long)\b", re.IGNORECASE)
VARIABLE = re.compile(r"<[^>]*>|\S*[@\d]\S*")
"""What differs from mail to mail in words that are the same: addresses, ids, times."""


class Scope(Enum):
    ACCOUNT = auto()
    """The server refuses all mail of the account, whatever it is."""

    LIKELY_ACCOUNT = auto()
    """So it is, unless the server has taken another mail since it first refused this one."""

    SUSPECT = auto()
    """It is if the next mail is refused by the same words."""

    MESSAGE = auto()
    """This mail or its recipient."""


@dataclass(frozen=True, slots=True)
class Verdict:
    scope: Scope
    is_permanent: bool
    """It is no use to try this mail again; said of the mail, should the scope prove to be it."""

    text: str
    """The fault in the server's words."""

    words: str = ""
    """The same without what differs from mail to mail."""

    is_refused: bool = False
    """The server said a permanent no: where it means the account, a person must act."""

    is_cut: bool = False
    """The connection is lost, and perhaps nobody knows whether the mail was taken."""

    is_closing: bool = False
    """The server ends this connection, and did not take the mail."""

    is_late: bool = False
    """The server was too slow."""


def judge(error: Exception) -> Verdict:
    """What a fault at handing over one mail means."""
    if isinstance(error, Refused):
        return _judge_answer(error, describe(error))
    if isinstance(error, Unsendable):
        return Verdict(Scope.MESSAGE, is_permanent=True, text=describe(error))
    if isinstance(error, OSError):
        is_late = isinstance(error, TimeoutError)
        return Verdict(
            Scope.MESSAGE, is_permanent=False, text=describe(error), is_cut=True, is_late=is_late
        )
    return Verdict(Scope.MESSAGE, is_permanent=False, text=describe(error))


def judge_opening(error: Exception) -> Verdict:
    """What a fault before the first mail means."""
    refused = isinstance(error, smtplib.SMTPResponseException) and error.smtp_code in PERMANENT
    wrong = smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError, ValueError
    is_refused = refused or isinstance(error, wrong)
    return Verdict(Scope.ACCOUNT, is_permanent=False, text=describe(error), is_refused=is_refused)


def describe(error: Exception) -> str:
    """The error's message, except for what could not be encoded: that may be a part of a
    password."""
    if isinstance(error, Refused):
        return str(error)
    name = type(error).__name__
    if isinstance(error, UnicodeError):
        return name
    if isinstance(error, smtplib.SMTPResponseException) and isinstance(error.smtp_error, bytes):
        return f"{name}: {error.smtp_code} {error.smtp_error.decode(errors='replace')}"
    return f"{name}: {error}"


def _judge_answer(error: Refused, text: str) -> Verdict:
    code, is_permanent = error.smtp_code, error.smtp_code in PERMANENT
    words = f"{error.stage} {code} {' '.join(VARIABLE.sub(' ', error.text).split())}".lower()
    if code == CLOSING:
        return Verdict(Scope.ACCOUNT, is_permanent=False, text=text, words=words, is_closing=True)
    if code not in TEMPORARY and not is_permanent:  # no answer of SMTP
        return Verdict(Scope.MESSAGE, is_permanent=False, text=text, is_cut=True)
    scope = _find_scope(error.stage, code, error.text)
    # RFC 5321 section 4.5.3.1.10: at RCPT this is a mailbox that is full, and no refusal.
    is_full = error.stage is Stage.RCPT and code == STORAGE
    is_relay = scope is Scope.LIKELY_ACCOUNT and error.stage is not Stage.MAIL
    return Verdict(
        scope,
        is_permanent=is_permanent and not (is_full or is_relay),
        text=text,
        words=words,
        is_refused=is_permanent,
    )


def _find_scope(stage: Stage, code: int, answer: str) -> Scope:
    status = next(iter(STATUS.findall(answer)), "")
    is_size = status in {"5.3.4", "5.2.3"} or (code == STORAGE and SIZE.search(answer))
    if code in LOG_IN or status in OF_ACCOUNT or LIMIT.search(answer):
        return Scope.ACCOUNT
    if is_size or OF_MESSAGE.fullmatch(status):
        return Scope.MESSAGE
    if stage is Stage.MAIL:
        return Scope.LIKELY_ACCOUNT
    if code in TEMPORARY or (stage is Stage.RCPT and code == STORAGE):
        return Scope.MESSAGE
    return Scope.LIKELY_ACCOUNT if RELAY.search(answer) else Scope.SUSPECT
