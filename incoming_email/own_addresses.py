"""Addresses that are ours: mail to them comes back in here."""

from collections.abc import Iterable

from django.conf import settings

from incoming_email.models import Mailbox
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
