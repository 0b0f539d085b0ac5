"""Where a project's own mail server may be: not inside of the network that Letterbox runs in."""

import ipaddress

from django.conf import settings
from django.utils.translation import gettext as _

from incoming_email.networks import read_address


class ForbiddenHost(OSError):
    """The name resolves to an address of a local network. The message is for the maintainer."""


def check_address(address: str) -> None:
    """Raises ForbiddenHost."""
    if not is_allowed(address):
        raise ForbiddenHost(
            _("The mail server is in a local network. Ask an administrator to allow these.")
        )


def is_allowed(address: str) -> bool:
    """Public addresses always; loopback, link-local and private ones by a setting."""
    if settings.DESK_SMTP_LOCAL_NETWORKS:
        return True
    found = read_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        found = found.sixtofour or found
    return found.is_global and not found.is_multicast
