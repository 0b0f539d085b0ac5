"""Rows that are due, claimed one by one and sent over one connection."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.core.mail.backends.base import BaseEmailBackend

from issues import connections
from issues.models import OutgoingEmail, OutgoingState
from issues.outbox.accounts import connect
from issues.outbox.header_fields import clean_header
from issues.outbox.messages import build_message

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
LEASE = timedelta(minutes=5)
"""How long a claimed row belongs to its claimer: more than the task's hard time limit (240 s)."""
BATCH = 200
PERMANENT = range(500, 600)
# What the mail library and the network raise for one message; anything else is our own bug.
FAULTS = (OSError, ValueError, LookupError, TypeError, AttributeError)


def deliver_due(*, now: datetime) -> int:
    """Send what is due, with one connection per account; returns the number sent. Call outside a
    transaction.

    A server that cannot be reached costs no row an attempt: all wait a minute.
    """
    started = time.monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - started)

    rows = list(OutgoingEmail.objects.due(now).order_by("next_attempt_at", "pk")[:BATCH])
    accounts = dict.fromkeys(row.account for row in rows)
    return sum(
        _deliver_by(account, [row for row in rows if row.account == account], clock)
        for account in accounts
    )


def _deliver_by(account: str, rows: Sequence[OutgoingEmail], clock: Callable[[], datetime]) -> int:
    connection = connect(account)
    sent = 0
    try:
        for row in rows:
            if not _open(connection, account, clock):
                break
            connections.validate()  # the server may have taken its time
            if _claim(row, clock()):
                sent += _deliver(row, connection, clock)
    finally:
        _close(connection)
    return sent


def _open(connection: BaseEmailBackend, account: str, clock: Callable[[], datetime]) -> bool:
    try:
        connection.open()
    except (OSError, ValueError) as error:  # a password that is not ASCII is a ValueError
        logger.warning("outgoing server unreachable error=%s", type(error).__name__)
        now = clock()
        OutgoingEmail.objects.due(now).filter(account=account).update(
            next_attempt_at=now + FIRST_PAUSE, last_error=_describe(error)
        )
        return False
    return True


def _claim(row: OutgoingEmail, now: datetime) -> bool:
    """One conditional UPDATE, committed before the work: a mail that kills us runs out too."""
    used_up = row.attempts >= MAX_ATTEMPTS
    changed = OutgoingEmail.objects.filter(
        pk=row.pk, state=OutgoingState.PENDING, attempts=row.attempts, next_attempt_at__lte=now
    ).update(
        attempts=row.attempts + (not used_up),
        next_attempt_at=now + max(LEASE, _pause(row.attempts + 1)),
        state=OutgoingState.FAILED if used_up else OutgoingState.PENDING,
        last_error=row.last_error or ("The worker died at every attempt." if used_up else ""),
    )
    row.attempts += 1
    return bool(changed) and not used_up


def _pause(attempts: int) -> timedelta:
    """After the first attempt one minute, then two, four… at most six hours."""
    doublings: int = 2 ** (attempts - 1)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


def _deliver(
    row: OutgoingEmail, connection: BaseEmailBackend, clock: Callable[[], datetime]
) -> int:
    """Send a claimed row and record how it went; 1 if it is sent."""
    try:
        connection.send_messages([build_message(row)])
    except FAULTS as error:
        connections.validate()
        _record_fault(row, error, clock())
        if not _is_refusal(error):
            _close(connection)  # in an unknown state; the next row opens a new one
        return 0
    _record_sent(row, clock())
    return 1


def _record_sent(row: OutgoingEmail, now: datetime) -> None:
    """The mail is out: a database that went away meanwhile is waited for, or it is sent again."""
    sent = OutgoingEmail.objects.filter(pk=row.pk)
    connections.retry_while_away(
        lambda: sent.update(state=OutgoingState.SENT, sent_at=now, last_error="")
    )


def _record_fault(row: OutgoingEmail, error: Exception, now: datetime) -> None:
    is_final = _is_refusal(error) or row.attempts >= MAX_ATTEMPTS
    logger.warning(
        "outgoing email not sent outgoing_email=%s attempt=%s error=%s final=%s",
        *(row.pk, row.attempts, type(error).__name__, is_final),
    )
    OutgoingEmail.objects.filter(pk=row.pk).update(
        state=OutgoingState.FAILED if is_final else OutgoingState.PENDING,
        next_attempt_at=now + _pause(row.attempts),
        last_error=_describe(error),
    )


def _is_refusal(error: Exception) -> bool:
    """Whether the server answered RCPT TO with 5xx: no later attempt will do better.

    Read by attribute, since this application knows no SMTP library:
    SMTPRecipientsRefused.recipients.
    """
    answers = getattr(error, "recipients", None)
    if not isinstance(answers, dict):
        return False
    return bool(answers) and all(code in PERMANENT for code, _ in answers.values())


def _describe(error: Exception) -> str:
    """The error's message, except for what could not be encoded: that may be a part of a
    password."""
    message = "" if isinstance(error, UnicodeError) else f": {_answer_of(error) or error}"
    return clean_header(type(error).__name__ + message)[:1000]


def _answer_of(error: Exception) -> str:
    """The line that the server answered, where the error holds one."""
    code, answer = getattr(error, "smtp_code", None), getattr(error, "smtp_error", None)
    return f"{code} {answer.decode(errors='replace')}" if isinstance(answer, bytes) else ""


def _close(connection: BaseEmailBackend) -> None:
    with suppress(OSError):
        connection.close()
