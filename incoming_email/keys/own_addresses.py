"""Addresses that are ours: mail to them comes back to Letterbox."""

from collections.abc import Iterable

from django.conf import settings

from incoming_email.keys import forwarded_addresses
from incoming_email.models import Mailbox
from incoming_email.parsing.addresses import AddressTemplate
from issues.outbox import bare_address


def find_own(addresses: Iterable[str]) -> set[str]:
    """Those that belong to a mailbox, forward to one, or that we send from; in two queries."""
    asked = set(addresses)
    return find_own_of_mailboxes(asked).union(forwarded_addresses.find_keys(asked))


def find_own_of_mailboxes(addresses: Iterable[str]) -> set[str]:
    """The same without those that forward; in one query."""
    templates = [mailbox.template for mailbox in Mailbox.objects.only("address")]
    sender = bare_address(settings.DEFAULT_FROM_EMAIL).lower()
    return {
        address
        for address in addresses
        if address.lower() == sender or any(t.matches(address) for t in templates)
    }


def find_keys_of_mailboxes(addresses: Iterable[str]) -> set[str]:
    """The keys in those that belong to a mailbox; in one query."""
    templates = [mailbox.template for mailbox in Mailbox.objects.only("address")]
    found = {template.find_key(address) for address in addresses for template in templates}
    return {key for key in found if key}


def find_public_templates() -> dict[str, AddressTemplate]:
    """By purpose, the address that is shown: of the first enabled mailbox with a key in it."""
    templates: dict[str, AddressTemplate] = {}
    for mailbox in Mailbox.objects.filter(enabled=True).order_by("pk"):
        if mailbox.template.has_key:
            templates.setdefault(mailbox.purpose, mailbox.template)
    return templates
