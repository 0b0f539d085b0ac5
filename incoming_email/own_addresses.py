"""Addresses that are ours: mail to them comes back in here."""

from collections.abc import Iterable

from django.conf import settings

from incoming_email.models import Mailbox
from incoming_email.parsing.addresses import AddressTemplate
from issues.outbox import bare_address


def find_own(addresses: Iterable[str]) -> set[str]:
    """Those that a mailbox of ours takes mail for, or that we send from; in one query."""
    asked = set(addresses)
    templates = [mailbox.template for mailbox in Mailbox.objects.only("address")]
    sender = bare_address(settings.DEFAULT_FROM_EMAIL).lower()
    return {
        address
        for address in asked
        if address.lower() == sender or any(t.matches(address) for t in templates)
    }


def find_public_templates() -> dict[str, AddressTemplate]:
    """By purpose, the address that is shown: of the first enabled mailbox with a key in it."""
    templates: dict[str, AddressTemplate] = {}
    for mailbox in Mailbox.objects.filter(enabled=True).order_by("pk"):
        if mailbox.template.has_key:
            templates.setdefault(mailbox.purpose, mailbox.template)
    return templates
