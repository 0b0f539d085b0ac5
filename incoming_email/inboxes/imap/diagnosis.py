"""Tests an IMAP account step by step: what fails, why, and what to do about it."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from incoming_email.inboxes.accounts import ImapAccount
from incoming_email.inboxes.base import Answer, Finding, InboxError
from incoming_email.inboxes.imap.connection import ImapConnection, open_connection, select_folder
from incoming_email.inboxes.imap.faults import find_message, find_remedy, inbox_errors
from incoming_email.inboxes.imap.login import log_in

STEP_SECONDS = 10.0
EXPIRY_WARNING_DAYS = 14


@dataclass(slots=True)
class Attempt:
    """State that the steps share."""

    account: ImapAccount
    seconds: float
    loopback: bool = False
    connection: ImapConnection | None = None

    def connected(self) -> ImapConnection:
        """The connection of the step before; opened here where no step needed it yet."""
        if self.connection is None:
            self.connection = open_connection(self.account, within=self.seconds)
        self.connection.limit(self.seconds)
        return self.connection


def _find_addresses(account: ImapAccount, seconds: float) -> set[str]:
    """Resolves in a thread: getaddrinfo has no time-out and may block for half a minute."""
    answers: list[set[str] | Exception] = []

    def resolve() -> None:
        try:
            rows = socket.getaddrinfo(account.host, account.port, type=socket.SOCK_STREAM)
            answers.append({str(row[4][0]) for row in rows})
        except (OSError, ValueError) as error:
            answers.append(error)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answers:
        raise TimeoutError("the name was not resolved")
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]


def _check_dns(attempt: Attempt) -> Finding:
    account = attempt.account
    try:
        addresses = _find_addresses(account, attempt.seconds)
    except (OSError, ValueError) as error:
        remedy = f"Check the host name {account.host} and this machine's DNS."
        return Finding("dns", Answer.NO, find_message(error), remedy)
    attempt.loopback = all(ipaddress.ip_address(text).is_loopback for text in addresses)
    return Finding("dns", Answer.YES, f"{account.host} is {', '.join(sorted(addresses))}")


def _check_tcp(attempt: Attempt) -> Finding:
    account = attempt.account
    try:
        address = (account.host, account.port)
        with socket.create_connection(address, min(account.timeout, attempt.seconds)):
            return Finding("tcp", Answer.YES, f"port {account.port} accepts connections")
    except (OSError, OverflowError) as error:
        return Finding("tcp", Answer.NO, find_message(error), find_remedy(error, account))


def _check_tls(attempt: Attempt) -> Finding:
    account = attempt.account
    if not (account.ssl or account.start_tls):
        if attempt.loopback:
            return Finding("tls", Answer.SKIPPED, "not asked for, and the server is this machine")
        return Finding(
            "tls",
            Answer.WARN,
            "the password and all mail travel in clear",
            "Switch on ssl (port 993) or start_tls (port 143).",
        )
    certificate = attempt.connected().find_certificate()
    ends = float(ssl.cert_time_to_seconds(str(certificate["notAfter"])))
    day = time.strftime("%Y-%m-%d", time.gmtime(ends))
    days = (ends - time.time()) / 86_400
    if days < EXPIRY_WARNING_DAYS:
        remedy = "Renew the certificate on the mail server before then."
        return Finding("tls", Answer.WARN, f"the certificate ends on {day}", remedy)
    return Finding("tls", Answer.YES, f"encrypted; the certificate is good until {day}")


def _check_login(attempt: Attempt) -> Finding:
    log_in(attempt.connected(), attempt.account)
    return Finding("login", Answer.YES, f"logged in as {attempt.account.user}")


def _check_folder(attempt: Attempt) -> Finding:
    account = attempt.account
    folder = select_folder(attempt.connected(), account)
    if not folder.keeps_flags:
        detail = f"the folder {account.folder} opens, but its flags can't be changed"
        return Finding("folder", Answer.NO, detail, "Give this user the right to change flags.")
    return Finding("folder", Answer.YES, f"{folder.exists or 0} messages in {account.folder}")


def _check_capabilities(attempt: Attempt) -> Finding:
    connection = attempt.connected()
    with inbox_errors(attempt.account):
        idle = connection.has_capability("IDLE")
        uid_plus = connection.has_capability("UIDPLUS")
    details, remedies = [], []
    if not idle:
        details.append("the server has no IDLE")
        remedies.append("Mail is asked for at intervals instead; nothing to do.")
    if attempt.account.expunge_deleted and not uid_plus:
        details.append("the server has no UIDPLUS, so deleted messages are not expunged")
        remedies.append("Switch expunge_deleted off and let the server clean up.")
    if details:
        return Finding("capabilities", Answer.WARN, "; ".join(details), " ".join(remedies))
    known = ", ".join(name for name, there in (("IDLE", idle), ("UIDPLUS", uid_plus)) if there)
    return Finding("capabilities", Answer.YES, known)


STEPS: tuple[tuple[str, Callable[[Attempt], Finding]], ...] = (
    ("dns", _check_dns),
    ("tcp", _check_tcp),
    ("tls", _check_tls),
    ("login", _check_login),
    ("folder", _check_folder),
    ("capabilities", _check_capabilities),
)


def diagnose(
    account: ImapAccount, *, step_seconds: float = STEP_SECONDS
) -> Generator[Finding, None, None]:
    """One finding a step, as it is known. After the first `no` the rest is skipped.

    Reads only; nothing is marked. Each step is over within `step_seconds`.
    """
    patient = replace(account, timeout=min(account.timeout, step_seconds))
    attempt = Attempt(patient, step_seconds)
    failed = False
    try:
        for name, check in STEPS:
            if failed:
                yield Finding(name, Answer.SKIPPED, "an earlier step failed")
                continue
            try:
                finding = check(attempt)
            except InboxError as fault:
                finding = Finding(name, Answer.NO, fault.detail, fault.remedy)
            failed = finding.answer is Answer.NO
            yield finding
    finally:
        if attempt.connection is not None:
            attempt.connection.leave(politely=not failed)
