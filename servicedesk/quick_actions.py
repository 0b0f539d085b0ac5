"""The quick actions of the desk, a part of the table that the help page shows."""

import re

from django.utils.translation import gettext_lazy as _

from issues.models import Issue
from issues.quick_actions import Call, NotUnderstood, QuickAction
from issues.quick_actions.arguments import is_issue, is_nothing, is_project
from issues.quick_actions.dates import is_day, parse_day
from issues.quick_actions.naming import find_issue, find_named_project
from servicedesk import joining, merging, moving, snoozing

MAX_ADDRESSES = 50
"""In one command; more is a mistake or an attack."""

_PLAIN = r"[^\s@<>,;]{1,64}@[^\s@<>,;]{1,189}"
_NAME = r"(?:[^@<>,;\"“”„]|[\"“”„][^<>\"“”„]{0,100}[\"“”])"
_PERSON = re.compile(
    rf"[\s,;]*(?:{_NAME}{{0,100}}<(?P<angle>{_PLAIN})>|(?P<bare>{_PLAIN}))(?=[\s,;]|\Z)"
)
"""`m@example.com`, `<m@example.com>`, `Max <m@example.com>`, `"Muster, Max" <m@example.com>`."""


def split_addresses(text: str) -> list[str]:
    """As people write them, with blanks, commas or semicolons between them; empty where the text is
    none of it, or holds too many."""
    found: list[str] = []
    at, end = 0, len(text.rstrip(" \t\xa0,;"))
    while at < end and len(found) <= MAX_ADDRESSES:
        person = _PERSON.match(text, at)
        if person is None:
            return []
        found.append(person["angle"] or person["bare"])
        at = person.end()
    return found if len(found) <= MAX_ADDRESSES else []


def is_addresses(text: str) -> bool:
    return bool(split_addresses(text))


def is_address(text: str) -> bool:
    return len(split_addresses(text)) == 1


def add_email(call: Call) -> None:
    addresses = split_addresses(call.argument)
    joining.add_people(issue=call.issue, actor=call.actor, addresses=addresses, now=call.now)


def remove_email(call: Call) -> None:
    addresses = split_addresses(call.argument)
    joining.remove_people(issue=call.issue, actor=call.actor, addresses=addresses)


def convert_to_ticket(call: Call) -> None:
    (address,) = split_addresses(call.argument)
    joining.convert_to_ticket(issue=call.issue, actor=call.actor, requester=address, now=call.now)


def merge_into(call: Call) -> None:
    merging.merge_ticket(issue=call.issue, actor=call.actor, into=find_issue(call), now=call.now)


def move(call: Call) -> None:
    project = find_named_project(call.argument, reader=call.actor)
    moving.move(issue=call.issue, actor=call.actor, project=project)


def snooze(call: Call) -> None:
    day = parse_day(call.argument, today=call.today)
    if day is None:
        raise NotUnderstood(_("Invalid date. Use the format YYYY-MM-DD."))
    snoozing.snooze(issue=call.issue, actor=call.actor, until=day, today=call.today)


def unsnooze(call: Call) -> None:
    snoozing.wake(issue=call.issue, actor=call.actor)


ACTIONS = (
    QuickAction(
        name="add_email",
        usage="/add_email ann@example.com bob@example.com",
        description=_("Adds external participants to the ticket: they get public comments."),
        permission=joining.PERMISSION,
        run=add_email,
        fits=is_addresses,
        kinds=(Issue,),
    ),
    QuickAction(
        name="remove_email",
        usage="/remove_email ann@example.com",
        description=_("Removes external participants from the ticket."),
        permission=joining.PERMISSION,
        run=remove_email,
        fits=is_addresses,
        kinds=(Issue,),
    ),
    QuickAction(
        name="convert_to_ticket",
        usage="/convert_to_ticket ann@example.com",
        description=_("Makes the issue a ticket of a person outside."),
        permission=joining.PERMISSION,
        run=convert_to_ticket,
        fits=is_address,
        kinds=(Issue,),
    ),
    QuickAction(
        name="merge_into",
        usage="/merge_into #5",
        description=_(
            "Merges the ticket into another one, which gets its comments and its participants."
        ),
        permission=merging.PERMISSION,
        run=merge_into,
        fits=is_issue,
        kinds=(Issue,),
    ),
    QuickAction(
        name="move",
        usage="/move acme/shop",
        description=_("Moves it to another project, where you must be a reporter."),
        permission=moving.PERMISSION,
        run=move,
        fits=is_project,
        kinds=(Issue,),
    ),
    QuickAction(
        name="snooze",
        usage="/snooze tomorrow",
        description=_(
            "Takes the ticket out of those that wait until a day, or until a participant writes."
        ),
        permission=snoozing.PERMISSION,
        run=snooze,
        fits=is_day,
        kinds=(Issue,),
    ),
    QuickAction(
        name="unsnooze",
        usage="/unsnooze",
        description=_("Takes the ticket back among those that wait."),
        permission=snoozing.PERMISSION,
        run=unsnooze,
        fits=is_nothing,
        kinds=(Issue,),
    ),
)
