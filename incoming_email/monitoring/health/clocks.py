"""Whether our clock agrees with those of servers: leases, tokens and order depend on it."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding

STEP = "clock"


def find_database_clock() -> Finding:
    """Compares our clock with that of a database server."""
    if connection.vendor != "postgresql":
        return Finding(STEP, Answer.SKIPPED, _("the database is on this machine"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
    return compare(theirs, timezone.now(), whose=_("the database server"))


def compare(theirs: datetime, ours: datetime, *, whose: str) -> Finding:
    seconds = round((ours - theirs).total_seconds())
    if abs(seconds) <= settings.CHECK_CLOCK_SECONDS:
        return Finding(STEP, Answer.YES, _("it agrees with that of %(whose)s") % {"whose": whose})
    if seconds > 0:
        text = _("the clock of this machine is %(seconds)d seconds ahead of %(whose)s")
    else:
        text = _("the clock of this machine is %(seconds)d seconds behind %(whose)s")
    return Finding(STEP, Answer.WARN, text % {"seconds": abs(seconds), "whose": whose}, remedy())


def look_at_newest(newest: datetime | None, *, is_empty: bool) -> Finding:
    """IMAP tells no time, but mail can't have come in the future (RFC 3501 section 2.3.3)."""
    if newest is None and is_empty:
        return Finding(
            STEP, Answer.SKIPPED, _("the folder is empty, so there is no time to compare")
        )
    if newest is None:
        return Finding(
            STEP, Answer.SKIPPED, _("the server does not say when its newest message came")
        )
    ahead = round((newest - datetime.now(UTC)).total_seconds())
    if ahead <= settings.CHECK_CLOCK_SECONDS:
        return Finding(STEP, Answer.YES, _("the newest message did not come in the future"))
    detail = _(
        "the mail server says that its newest message came %(seconds)d seconds from now: the clock"
        " of this machine is behind, or that of the server ahead"
    )
    return Finding(STEP, Answer.WARN, detail % {"seconds": ahead}, remedy())


def remedy() -> str:
    return _("Let the time be set by the network (NTP), for example with chrony or timesyncd.")
