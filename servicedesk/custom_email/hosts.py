"""Where a project's own mail server may be: not inside of the network that Letterbox runs in."""

from django.conf import settings
from django.utils.translation import gettext as _

from incoming_email.networks import is_public


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
    return settings.DESK_SMTP_LOCAL_NETWORKS or is_public(address)
