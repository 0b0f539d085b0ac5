"""Tests an IMAP account step by step: what fails, why, and what to do about it."""

import ipaddress
import ssl
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from imapclient import DELETED, SEEN

from incoming_email.inboxes.base import Answer
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.imap.connection import ImapConnection, open_connection, select_folder
from incoming_email.inboxes.imap.faults import find_message, find_remedy, inbox_errors
from incoming_email.inboxes.imap.login import log_in
from incoming_email.inboxes.imap.starting import start_progress
from incoming_email.inboxes.methods import Backlog, NewestMessage, Said, Step, StepAnswer
from incoming_email.networks import require_public
from issues.connecting import connect, find_addresses

EXPIRY_WARNING_DAYS = 14
NO_DELETED = (
    "Give this user the right to delete (in an ACL: t), or switch delete_after_delivery off."
)
NOT_SEEN = NewestMessage(None, is_empty=False)


@dataclass(slots=True)
class Attempt:
    """State that the steps share."""

    account: ImapAccount
    position: str
    seconds: float
    loopback: bool = False
    connection: ImapConnection | None = None
    newest: NewestMessage = NOT_SEEN

    def connected(self) -> ImapConnection:
        """The connection of the step before; opened here where no step needed it yet."""
        if self.connection is None:
            self.connection = open_connection(self.account, within=self.seconds)
        self.connection.limit(self.seconds)
        return self.connection


def _check_dns(attempt: Attempt) -> Said:
    account = attempt.account
    try:
        found = find_addresses(account.host, account.port, seconds=attempt.seconds)
    except (OSError, ValueError) as error:
        remedy = f"Check the host name {account.host} and this machine's DNS."
        return Said(Answer.NO, find_message(error), remedy)
    addresses = {str(address[0]) for *_kinds, address in found}
    attempt.loopback = all(ipaddress.ip_address(text).is_loopback for text in addresses)
    return Said(Answer.YES, f"{account.host} is {', '.join(sorted(addresses))}")


def _check_tcp(attempt: Attempt) -> Said:
    account = attempt.account
    try:
        within = min(account.timeout, attempt.seconds)
        check = None if account.local_networks else require_public
        with connect(account.host, account.port, seconds=within, check_address=check):
            return Said(Answer.YES, f"port {account.port} accepts connections")
    except (OSError, OverflowError) as error:
        return Said(Answer.NO, find_message(error), find_remedy(error, account))


def _check_tls(attempt: Attempt) -> Said:
    account = attempt.account
    if not (account.ssl or account.start_tls):
        if attempt.loopback:
            return Said(Answer.SKIPPED, "not asked for, and the server is this machine")
        return Said(
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
        return Said(Answer.WARN, f"the certificate ends on {day}", remedy)
    return Said(Answer.YES, f"encrypted; the certificate is good until {day}")


def _check_login(attempt: Attempt) -> Said:
    log_in(attempt.connected(), attempt.account)
    return Said(Answer.YES, f"logged in as {attempt.account.user}")


def _check_folder(attempt: Attempt) -> Said:
    """Of the flags only those count that will be set."""
    account = attempt.account
    folder = select_folder(attempt.connected(), account)
    if SEEN not in folder.kept_flags:
        detail = f"the folder {account.folder} opens, but mail can't be marked as read (\\Seen)"
        return Said(Answer.NO, detail, "Give this user the right to change flags.")
    if account.delete_after_delivery and DELETED not in folder.kept_flags:
        detail = f"the folder {account.folder} opens, but mail can't be deleted (\\Deleted)"
        return Said(Answer.NO, detail, NO_DELETED)
    return Said(Answer.YES, f"{folder.exists or 0} messages in {account.folder}")


def _check_capabilities(attempt: Attempt) -> Said:
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
        return Said(Answer.WARN, "; ".join(details), " ".join(remedies))
    known = ", ".join(name for name, there in (("IDLE", idle), ("UIDPLUS", uid_plus)) if there)
    return Said(Answer.YES, known)


def _look_inside(attempt: Attempt) -> Backlog:
    """How many messages the next reading will find. Nothing is marked."""
    connection, account = attempt.connected(), attempt.account
    folder = select_folder(connection, account)
    progress = start_progress(connection, account, folder, attempt.position)
    with inbox_errors(account):
        waiting = len(connection.search_uids(progress.criteria))
        newest = connection.find_newest()
    attempt.newest = NewestMessage(newest.came_at if newest else None, folder.exists == 0)
    return Backlog(waiting)


def _tell_newest(attempt: Attempt) -> StepAnswer:
    """Mail can't have come in the future (RFC 3501 section 2.3.3), and IMAP tells no other time."""
    return attempt.newest


_CHECKS: tuple[tuple[Step, Callable[[Attempt], StepAnswer]], ...] = (
    (Step("dns"), _check_dns),
    (Step("tcp"), _check_tcp),
    (Step("tls"), _check_tls),
    (Step("login", needs_secret=True), _check_login),
    (Step("folder", needs_secret=True), _check_folder),
    (Step("capabilities", needs_secret=True), _check_capabilities),
    (Step("backlog", needs_secret=True), _look_inside),
    (Step("clock", needs_secret=True), _tell_newest),
)
STEPS = tuple(step for step, _check in _CHECKS)


def diagnose(
    account: ImapAccount, position: str, seconds: float
) -> Generator[StepAnswer, None, None]:
    """Each step is over within these seconds."""
    patient = replace(account, timeout=min(account.timeout, seconds))
    attempt = Attempt(patient, position, seconds)
    is_sound = False
    try:
        for _step, check in _CHECKS:
            is_sound = False
            answer = check(attempt)
            is_sound = not (isinstance(answer, Said) and answer.answer is Answer.NO)
            yield answer
    finally:
        if attempt.connection is not None:
            attempt.connection.leave(politely=is_sound)
