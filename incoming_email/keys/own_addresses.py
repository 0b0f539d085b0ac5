"""Addresses that are ours: mail to them comes back to Letterbox. Of those of other domains that
forward to us the layer above knows."""

from collections.abc import Iterable
from typing import Protocol

from django.conf import settings

from incoming_email.models import Mailbox
from incoming_email.parsing.addresses import AddressTemplate
from issues.extension_points import ExtensionPoint, declare
from issues.mail_addresses import canonical_address
from issues.outbox import bare_address


class FindKeys(Protocol):
    def __call__(self, addresses: Iterable[str]) -> dict[str, str]:
        """By address, the key that mail to it is resolved by, in one query; other addresses are
        left out."""


FORWARDED_ADDRESSES: ExtensionPoint[FindKeys] = declare("addresses that forward to us")


def find_forwarded(addresses: Iterable[str]) -> dict[str, str]:
    """By address of another domain, its key; nothing is asked about nothing."""
    asked = set(addresses)
    find = FORWARDED_ADDRESSES.find() if asked else None
    return find(asked) if find is not None else {}


def find_own(addresses: Iterable[str]) -> set[str]:
    """Those that belong to a mailbox, forward to one, or that we send from; in two queries."""
    asked = set(addresses)
    return find_own_of_mailboxes(asked).union(find_forwarded(asked))


def find_own_of_mailboxes(addresses: Iterable[str]) -> set[str]:
    """The same without those that forward; in one query."""
    templates = [mailbox.template for mailbox in Mailbox.objects.only("address")]
    sender = canonical_address(bare_address(settings.DEFAULT_FROM_EMAIL))
    return {
        address
        for address in addresses
        if canonical_address(address) == sender or any(t.matches(address) for t in templates)
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
