"""The addresses that a desk receives mail at, and the keys in them."""

import re
from dataclasses import dataclass, replace

from incoming_email.keys.own_addresses import find_public_templates
from incoming_email.parsing.addresses import MAX_LOCAL_PART, AddressTemplate, project_key
from issues.models import Project
from servicedesk.models import RESERVED_KEYS, CustomEmail, ServiceDesk

INCOMING, DESK = "incoming_email", "service_desk_email"
"""Purposes of mailboxes."""

ALIAS = re.compile(
    r"(?!(?:(?:.*-)?[1-9][0-9]*-)?[0-9a-z]{25}(?:-|\Z))"  # a reply key, or a token after an id
    r"(?:[0-9a-z-]*-)?"
    rf"(?!(?:{'|'.join(sorted(RESERVED_KEYS))})\Z)"
    r"(?P<desk_key>(?=[0-9_]*[a-z])[a-z0-9_]+)"
)
"""`<slug>-<project key>`: the slug is decoration, and may be left out."""


DEFAULT = re.compile(r"(?:[0-9a-z-]*-)?(?P<project_id>[1-9][0-9]{0,17})-issue-")
"""`<slug>-<project id>-issue-`, of every desk."""

VERIFICATION = re.compile(r"(?:[0-9a-z-]*-)?(?P<project_id>[1-9][0-9]{0,17})-verify")
"""The key that mail to the `+verify` address of a desk's custom address is resolved by."""


@dataclass(frozen=True, slots=True)
class DeskAddresses:
    """Each "" where there is none."""

    default: str
    alias: str
    custom: str = ""

    @property
    def shown(self) -> str:
        """The one to give to customers."""
        return self.custom or self.alias or self.default


def find_addresses(desk: ServiceDesk) -> DeskAddresses:
    """In two queries; also of a desk that was never saved."""
    custom = CustomEmail.objects.filter(desk__project=desk.project_id, enabled=True).values_list(
        "address", flat=True
    )
    return replace(find_addresses_in_mailboxes(desk), custom=next(iter(custom), ""))


def find_addresses_in_mailboxes(desk: ServiceDesk) -> DeskAddresses:
    """Without a custom one, in one query."""
    templates = find_public_templates()
    default = templates.get(INCOMING) or templates.get(DESK)
    return DeskAddresses(
        default=_keyed(default, desk.project, desk_key(desk.project)) if default else "",
        alias=_alias(desk, templates[DESK]) if desk.key and DESK in templates else "",
    )


def desk_key(project: Project) -> str:
    return f"{project.pk}-issue-"


def verification_key(project: Project) -> str:
    return f"{project.pk}-verify"


def _alias(desk: ServiceDesk, template: AddressTemplate) -> str:
    """Without the slug where that looks like a secret, and none where nothing fits."""
    address = _keyed(template, desk.project, desk.key)
    key = template.find_key(address) or ""
    found = address if ALIAS.fullmatch(key) else template.address_for(desk.key)
    return found if len(found.partition("@")[0]) <= MAX_LOCAL_PART else ""


def _keyed(template: AddressTemplate, project: Project, rest: str) -> str:
    return template.address_for(project_key(project.slug, rest, template=template))
