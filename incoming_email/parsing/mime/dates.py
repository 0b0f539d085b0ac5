"""The Date field as a moment in UTC (RFC 5322, 3.3, and the obsolete forms)."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

MAX_LENGTH = 100
FIRST_YEAR, LAST_YEAR = 1970, 2100
"""Outside of these a date is absurd, and no date is better than that one."""


def find_zone(value: str) -> timezone | None:
    """The time zone that a Date field names; None where it names none."""
    try:
        parsed = parsedate_tz(value[:MAX_LENGTH])
        if parsed is None or parsed[9] is None:
            return None
        return timezone(timedelta(seconds=parsed[9]))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def parse_date(value: str) -> datetime | None:
    """None where the field is missing, broken or absurd (H35). A zone of -0000 counts as UTC."""
    try:
        parsed = parsedate_tz(value[:MAX_LENGTH])
        if parsed is None:
            return None
        zone = timezone(timedelta(seconds=parsed[9] or 0))
        moment = datetime(*parsed[:6], tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None
