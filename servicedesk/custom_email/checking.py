"""A verification mail that comes back: is it the one, unchanged, by the right way, in time?"""

import re

from django.utils.crypto import constant_time_compare

from incoming_email.handlers.base import Context
from incoming_email.keys.own_addresses import find_keys_of_mailboxes
from incoming_email.outcomes import Outcome
from incoming_email.parsing.types import ParsedEmail
from issues.models import Project
from servicedesk.addresses import DEFAULT
from servicedesk.custom_email.messages import LABEL
from servicedesk.custom_email.verifying import TOKEN_LENGTH, conclude, is_over
from servicedesk.models import CustomEmail, Fault, Verification

TOKEN = re.compile(rf"{LABEL}\s{{0,20}}(?P<token>[A-Za-z0-9]{{{TOKEN_LENGTH}}})(?![A-Za-z0-9])")


def take_back(email: ParsedEmail, project: Project, context: Context) -> Outcome:
    """End the verification by what the mail shows. It never becomes a ticket, whatever it is."""
    awaited = CustomEmail.objects.filter(retired_at=None, state=Verification.STARTED)
    rows = awaited.select_related("desk__project", "triggerer")
    custom = rows.filter(desk__project=project).first()
    if custom is None:
        return Outcome(f"no verification is awaited in {project}")
    fault = _find_fault(custom, email, context)
    conclude(custom, fault, now=context.now)
    end = "finished" if fault is None else f"failed ({fault.value})"
    return Outcome(f"verification {end} in {project}")


def _find_fault(custom: CustomEmail, email: ParsedEmail, context: Context) -> Fault | None:
    if is_over(custom, now=context.received):
        return Fault.NOT_RECEIVED
    if not _came_by_default_address(custom, email):
        return Fault.INCORRECT_TARGET
    if email.sender != custom.address:
        return Fault.INCORRECT_FROM
    found = TOKEN.search(email.text)
    if found is None or not constant_time_compare(found["token"], custom.token):
        return Fault.INCORRECT_TOKEN
    return None


def _came_by_default_address(custom: CustomEmail, email: ParsedEmail) -> bool:
    """A bare mailbox will do: then the project is found by the custom address in To."""
    keys = find_keys_of_mailboxes(candidate.address for candidate in email.candidates)
    desks = [DEFAULT.fullmatch(key) for key in keys]
    return not keys or any(
        match is not None and int(match["project_id"]) == custom.desk.project_id for match in desks
    )
