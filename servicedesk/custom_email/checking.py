"""A verification mail that comes back: is it the one, unchanged, by the right way, in time?"""

import re
from dataclasses import replace

from django.utils.crypto import constant_time_compare

from incoming_email.handlers.base import Context
from incoming_email.keys.own_addresses import find_keys_of_mailboxes
from incoming_email.outcomes import Outcome
from incoming_email.parsing.types import ParsedEmail
from issues.models import Project
from servicedesk.addresses import DEFAULT
from servicedesk.custom_email.messages import LABEL
from servicedesk.custom_email.verifying import TOKEN_LENGTH, Tokens, conclude, is_over
from servicedesk.models import CustomEmail, Fault, Verification

TOKEN = re.compile(rf"{LABEL}\s{{0,20}}(?P<token>[A-Za-z0-9]{{{TOKEN_LENGTH}}})(?![A-Za-z0-9])")


def take_back(email: ParsedEmail, project: Project, context: Context) -> Outcome:
    """Note one of the mails as returned, and end the verification by the last one, or by what is
    wrong with it. It never becomes a ticket, whatever it is. In a transaction: of two mails at once
    the second sees the first."""
    awaited = CustomEmail.objects.filter(retired_at=None, state=Verification.STARTED)
    rows = awaited.select_related("desk__project", "triggerer").select_for_update(of=("self",))
    custom = rows.filter(desk__project=project).first()
    if custom is None:
        return Outcome(f"no verification is awaited in {project}")
    found = _check(custom, email, context)
    if isinstance(found, Tokens) and (found.theirs or found.ours):
        custom.token = str(found)
        custom.save(update_fields=["token"])
        return Outcome(f"verification goes on in {project}")
    fault = None if isinstance(found, Tokens) else found
    conclude(custom, fault, now=context.now)
    end = "finished" if fault is None else f"failed ({fault.value})"
    return Outcome(f"verification {end} in {project}")


def _check(custom: CustomEmail, email: ParsedEmail, context: Context) -> Fault | Tokens:
    """What is wrong with the mail, or the tokens that are awaited after it."""
    if is_over(custom, now=context.received):
        return Fault.NOT_RECEIVED
    if not _came_by_default_address(custom, email):
        return Fault.INCORRECT_TARGET
    tokens, found = Tokens.of(custom), TOKEN.search(email.text)
    if found is not None and tokens.ours and constant_time_compare(found["token"], tokens.ours):
        return replace(tokens, ours="")
    if email.sender != custom.address:
        return Fault.INCORRECT_FROM
    if found is not None and tokens.theirs and constant_time_compare(found["token"], tokens.theirs):
        return replace(tokens, theirs="")
    return Fault.INCORRECT_TOKEN


def _came_by_default_address(custom: CustomEmail, email: ParsedEmail) -> bool:
    """A bare mailbox will do: then the project is found by the custom address in To."""
    keys = find_keys_of_mailboxes(candidate.address for candidate in email.candidates)
    desks = [DEFAULT.fullmatch(key) for key in keys]
    return not keys or any(
        match is not None and int(match["project_id"]) == custom.desk.project_id for match in desks
    )
