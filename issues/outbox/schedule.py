"""When a mail is tried again, and when it is given up (RFC 5321 section 4.5.4.1)."""

from datetime import datetime, timedelta

from django.conf import settings

from issues.models import OutgoingEmail
from issues.models.outgoing import LONGEST_PAUSE

FIRST_PAUSE = timedelta(minutes=1)
LAST_DOUBLING = 9
FEWEST_ATTEMPTS = 5
"""A mail that waited long for its account is not given up at its first fault."""

MARGIN = timedelta(minutes=2)
"""For what a claimer does besides the exchange: reading files, a database that is away."""


def find_pause(attempts: int) -> timedelta:
    """After the first attempt one minute, then two, four… at most six hours."""
    doublings: int = 2 ** min(max(attempts - 1, 0), LAST_DOUBLING)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


def find_lease() -> timedelta:
    """How long a claimed row belongs to its claimer: longer than the exchange may take."""
    return timedelta(seconds=settings.EMAIL_EXCHANGE_SECONDS) + MARGIN


def find_lifetime() -> timedelta:
    return timedelta(hours=settings.EMAIL_RETRY_HOURS)


def is_over(row: OutgoingEmail, *, now: datetime) -> bool:
    """Whether it was tried for EMAIL_RETRY_HOURS."""
    first = row.first_attempt_at
    is_old = first is not None and first <= now - find_lifetime()
    return is_old and row.attempts >= FEWEST_ATTEMPTS
