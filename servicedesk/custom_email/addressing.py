"""Custom addresses with a key in them: `support+KEY@customer.example`, made and found again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from incoming_email.parsing.addresses import PLACEHOLDER, AddressTemplate, split_template
from issues.mail_addresses import canonical_address, find_spellings
from issues.outbox import bare_address
from servicedesk.addresses import (
    desk_key,
    find_addresses_in_mailboxes,
    verification_key,
)
from servicedesk.custom_email.connecting import account_of
from servicedesk.models import CustomEmail, ServiceDesk, Verification

VERIFY = "verify"
REPLY_DETAIL = re.compile(r"[0-9a-z]{25}(?:-unsubscribe|-bounce)?")


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom the mails of a desk are from."""

    address: str
    account: str = ""
    template: AddressTemplate | None = None
    """Where answers go; None: to the mailbox of all."""


def find_sender(desk: ServiceDesk | None) -> Sender:
    """The address that the desk shows to customers. That of all our mail where the desk takes none,
    or DESK_FROM_OWN_ADDRESS is off. In two queries."""
    custom = CustomEmail.objects.filter(desk=desk, enabled=True).first() if desk else None
    if custom is not None:
        return Sender(custom.address, account_of(custom), template_of(custom))
    shown = ""
    if desk is not None and desk.enabled and settings.DESK_FROM_OWN_ADDRESS:
        shown = find_addresses_in_mailboxes(desk).shown
    return Sender(shown or bare_address(settings.DEFAULT_FROM_EMAIL))


def template_of(custom: CustomEmail) -> AddressTemplate:
    """Not validated for the longest possible key: those that it is used for fit."""
    local, _at, domain = custom.address.partition("@")
    return split_template(f"{local}+{PLACEHOLDER}@{domain}")


def verification_address(custom: CustomEmail) -> str:
    return template_of(custom).address_for(VERIFY)


def find_keys(addresses: Iterable[str]) -> dict[str, str]:
    """For FORWARDED_ADDRESSES: the keys that mail to these addresses stands for.

    Disabled and replaced addresses still receive mail. An unverified one does not, except for its
    verification: otherwise anybody could claim an address and get the mail of others.
    """
    parts = {address: _split(address) for address in addresses}
    rows = CustomEmail.objects.filter(
        Q(verified_at__isnull=False) | Q(state=Verification.STARTED),
        address__in={each for bare, _detail in parts.values() for each in find_spellings(bare)},
    ).select_related("desk__project")
    known = {canonical_address(row.address): row for row in rows}
    found = {
        address: _key_of(known[bare], detail)
        for address, (bare, detail) in parts.items()
        if bare in known
    }
    return {address: key for address, key in found.items() if key}


def _split(address: str) -> tuple[str, str]:
    local, _at, domain = canonical_address(address).rpartition("@")
    bare, _plus, detail = local.partition("+")
    return f"{bare}@{domain}", detail


def _key_of(custom: CustomEmail, detail: str) -> str:
    project = custom.desk.project
    if detail == VERIFY:
        return verification_key(project)
    if custom.verified_at is None:
        return ""
    return detail if REPLY_DETAIL.fullmatch(detail) else desk_key(project)
