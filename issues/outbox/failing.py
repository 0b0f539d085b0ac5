"""Accounts whose server takes no mail: since when, when it is tried again, and that it works again.

A refusal of the account and a server that is away say nothing of a single mail: all of its mail
waits, and at growing pauses one mail is tried.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from issues.clock_skew import latest_now
from issues.models import OutgoingAccount, OutgoingEmail, OutgoingState
from issues.models.outgoing import HELD

logger = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=5)
"""After what was wrong is mended, mail waits no longer than this."""

LAST_DOUBLING = 3
MAX_ERROR = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an account takes no mail."""

    text: str
    is_refused: bool
    """A person must act."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An account that takes no mail now."""

    account: str
    since: datetime
    message: str
    waiting: int
    """Mails."""


def find_failure(account: str = "") -> Failure | None:
    """By default of the server of EMAIL_URL."""
    return find_failures(account).get(account)


def find_failures(*accounts: str) -> dict[str, Failure]:
    """Of these accounts, or of all; two queries, or one where none fails."""
    failing = OutgoingAccount.objects.failing()
    if accounts:
        failing = failing.filter(account__in=accounts)
    return {
        row.account: Failure(
            row.account, row.failing_since, row.last_error, _count_waiting(row.account)
        )
        for row in failing
        if row.failing_since is not None
    }


def _count_waiting(account: str) -> int:
    pending = OutgoingEmail.objects.filter(account=account, state=OutgoingState.PENDING)
    return pending.exclude(HELD).count()


def claim_try(row: OutgoingAccount, *, now: datetime) -> bool:
    """Of a failing account: whether its server may be tried now, by us alone. The next try, by any
    worker, is after a pause. One further ahead than that lasts was set by a clock that was
    wrong."""
    due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    due |= Q(next_attempt_at__gt=latest_now(now) + LONGEST_PAUSE)
    mine = OutgoingAccount.objects.failing().filter(due, pk=row.pk, failures=row.failures)
    return bool(
        mine.update(failures=row.failures + 1, next_attempt_at=now + find_pause(row.failures + 1))
    )


def find_pause(failures: int) -> timedelta:
    doublings: int = 2 ** min(failures - 1, LAST_DOUBLING)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


def record_fault(account: str, fault: Fault, *, now: datetime) -> None:
    """A first fault, or another word of the server while it fails (`claim_try` has counted it). By
    a clock that was wrong it would begin in the future, and nobody be alerted before."""
    logger.warning("outgoing account fails account=%s error=%s", account, fault.text)
    values = {"is_refused": fault.is_refused, "last_error": fault.text[:MAX_ERROR]}
    begun = {"failing_since": now, "failures": 1, "next_attempt_at": now + FIRST_PAUSE}
    rows = OutgoingAccount.objects.filter(account=account)
    wrong = Q(failing_since__gt=latest_now(now))
    begins = rows.filter(Q(failing_since=None) | wrong).update(**values, **begun)
    if not begins and not rows.update(**values):
        OutgoingAccount.objects.get_or_create(account=account, defaults={**values, **begun})


def record_success(account: str, *, now: datetime) -> None:
    """The server takes mail. `alerted_at` stays until people know it."""
    values = {
        "worked_at": now,
        "failing_since": None,
        "is_refused": False,
        "failures": 0,
        "next_attempt_at": None,
        "last_error": "",
    }
    OutgoingAccount.objects.update_or_create(account=account, defaults=values)


def try_again(account: str) -> None:
    """Something was corrected: the next try needs no pause."""
    OutgoingAccount.objects.failing().filter(account=account).update(
        failures=0, next_attempt_at=None
    )
