"""The addresses that a desk takes mail at."""

from dataclasses import dataclass

from incoming_email.reply_keys import find_template
from incoming_email.sender_tokens import address_for
from servicedesk.models import ServiceDesk


@dataclass(frozen=True, slots=True)
class DeskAddresses:
    """Each "" where there is none."""

    default: str
    alias: str


def find_addresses(desk: ServiceDesk) -> DeskAddresses:
    """In one query."""
    template = find_template()
    default = ""
    if template is not None and template.has_key:
        default = address_for(template, desk.project, "issue-")
    return DeskAddresses(default, "")
