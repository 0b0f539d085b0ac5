"""The desk of the demo project, with a first ticket."""

from datetime import datetime

from django.utils.translation import gettext as _

from issues.models import Project
from servicedesk.addresses import find_addresses
from servicedesk.models import ServiceDesk
from servicedesk.tickets import Letter, open_ticket


def open_desk(project: Project, now: datetime) -> str:
    """For DEMO_DESK: the address that customers write to. A desk that is there
    already stays as it is."""
    desk, is_new = ServiceDesk.objects.get_or_create(project=project, defaults={"enabled": True})
    if is_new:
        open_ticket(desk, _make_letter(now))
    return find_addresses(desk).default


def _make_letter(now: datetime) -> Letter:
    return Letter(
        sender="carl@customer.example",
        message_id="first-ticket@customer.example",
        subject=_("Where is my order?"),
        text=_("I ordered a lamp two weeks ago and it has not come yet."),
        now=now,
        answerable=False,  # nobody wrote this mail, so nobody gets an answer
    )
