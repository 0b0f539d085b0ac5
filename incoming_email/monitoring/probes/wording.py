"""The round trip of a probe in sentences: how long each part took, or where it stopped and what to
do."""

from datetime import datetime

from django.utils.translation import gettext as _

from incoming_email.inboxes.shared import NOT_IN_FOLDER
from incoming_email.models import Leg, Mailbox
from incoming_email.monitoring.probes.following import Course


def describe_course(created_at: datetime, course: Course) -> str:
    """Of a probe that came back."""
    return _(
        "it was back after %(whole)s s: %(sending)s s until it was sent, %(delivery)s s more until"
        " it was received, %(processing)s s more until it was processed"
    ) % {
        "whole": _seconds(created_at, course.processed_at),
        "sending": _seconds(created_at, course.sent_at),
        "delivery": _seconds(course.sent_at, course.received_at),
        "processing": _seconds(course.received_at, course.processed_at),
    }


def _seconds(start: datetime | None, end: datetime | None) -> str:
    """Never below 0: the clocks of two machines may differ, and a mail may arrive before its sender
    has recorded that it was sent."""
    if start is None or end is None:
        return "?"
    return f"{max((end - start).total_seconds(), 0):.1f}"


def describe_stop(mailbox: Mailbox, number: int, stopped_in: str, fault: str) -> tuple[str, str]:
    """What happened, and what to do."""
    name = f"probe-{number}-"
    if stopped_in == Leg.SENDING:
        detail = _("the mail is still waiting to be sent")
        remedy = _(
            "Start worker and beat, and look at “outgoing mail” in the check; the mail's row in the"
            " admin has its last error."
        )
    elif stopped_in == Leg.READING:
        detail = _("the mailbox was not read since the mail was sent")
        remedy = _(
            "Start the watcher, or worker and beat; “Test connection” says if it can be read."
        )
    elif stopped_in == Leg.PROCESSING:
        detail = _("it was received, but is not processed")
        remedy = _("Look at its row in the ledger, and whether worker and beat run.")
    else:
        advice = mailbox.method.undelivered if mailbox.method else NOT_IN_FOLDER
        detail, remedy = _(advice.detail), _(advice.remedy)
    message = f"{detail}: {fault}" if fault else detail
    return message, remedy % {"name": name} if "%(name)s" in remedy else remedy
