"""A ticket rests until a day: nobody is shown to wait there before, unless a participant writes."""

from datetime import date

from django.db import transaction
from django.utils import formats
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import services
from issues.models import Issue, User
from issues.services.recording import record_change
from issues.services.refusals import require
from servicedesk.models import Ticket

PERMISSION = "issues.triage_item"


@transaction.atomic
def snooze(*, issue: Issue, actor: User, until: date, today: date) -> None:
    """Raises Invalid for a day that is not ahead, and where the issue is no ticket."""
    require(actor, PERMISSION, issue)
    if until <= today:
        raise services.Invalid([_("Choose a day after today.")])
    if _change(issue, until):
        day = formats.date_format(until, "Y-m-d")
        record_change(issue, actor, gettext_lazy("snoozed this until %(day)s"), day=day)


@transaction.atomic
def wake(*, issue: Issue, actor: User) -> None:
    """Twice changes nothing. Raises Invalid where the issue is no ticket."""
    require(actor, PERMISSION, issue)
    if _change(issue, None):
        record_change(issue, actor, gettext_lazy("ended the snoozing"))


def find_end(ticket: Ticket) -> date | None:
    """None where it is awake."""
    until = ticket.snoozed_until
    return until if until is not None and until > localdate() else None


def _change(issue: Issue, until: date | None) -> bool:
    ticket = Ticket.objects.select_for_update().filter(pk=issue.pk).first()
    if ticket is None:
        raise services.Invalid(
            [_("This is no ticket. Make it one first: /convert_to_ticket ADDRESS.")]
        )
    changed = ticket.snoozed_until != until
    ticket.snoozed_until = until
    ticket.save(update_fields=["snoozed_until"])
    return changed
