"""Mail that is not tried any more: the row says why, and who caused it hears of it once."""

import logging
from datetime import datetime
from typing import Protocol

from django.db import transaction

from issues.extension_points import ExtensionPoint, declare
from issues.models import OutgoingAccount, OutgoingEmail, OutgoingState
from issues.models.outgoing import OWED_SINCE
from issues.outbox import undelivered
from issues.outbox.schedule import find_lifetime

logger = logging.getLogger(__name__)
BATCH = 200


class NoteGivenUp(Protocol):
    def __call__(self, mail: OutgoingEmail, *, now: datetime) -> None:
        """In the transaction that gives it up."""


GIVEN_UP: ExtensionPoint[NoteGivenUp] = declare(
    "what changes where mail was given up", takes_several=True
)


def give_up(row: OutgoingEmail, reason: str, *, now: datetime) -> bool:
    """False where another worker has this row meanwhile."""
    mine = OutgoingEmail.objects.filter(
        pk=row.pk, state=OutgoingState.PENDING, attempts=row.attempts
    )
    with transaction.atomic():
        if not mine.update(state=OutgoingState.FAILED, last_error=reason):
            return False
        undelivered.notify(row, reason, now=now)
        for note_given_up in GIVEN_UP.registered:
            note_given_up(row, now=now)
    logger.warning("outgoing email given up outgoing_email=%s attempts=%s", row.pk, row.attempts)
    return True


def give_up_waiting(account: OutgoingAccount, *, now: datetime) -> int:
    """Those that waited for EMAIL_RETRY_HOURS for a server that is away all the time; returns their
    number.

    Where the server refuses us, mail waits for the person who must correct that.
    """
    limit = now - find_lifetime()
    if account.is_refused or account.failing_since is None or account.failing_since > limit:
        return 0
    waiting = OutgoingEmail.objects.owed(now).alias(since=OWED_SINCE)
    rows = waiting.filter(account=account.account, since__lte=limit).order_by("pk")[:BATCH]
    return sum(give_up(row, account.last_error, now=now) for row in rows)
