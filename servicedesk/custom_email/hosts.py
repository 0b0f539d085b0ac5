"""Where a project's own mail server may be: not inside of the network that Letterbox runs in."""

import ipaddress
import socket

from django.conf import settings
from django.utils.translation import gettext as _

from incoming_email.networks import read_address


class ForbiddenHost(OSError):
    """The name resolves to an address of a local network. The message is for the maintainer."""


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """Connects to the very address that was checked, so that a second look-up can't change it."""
    fault: OSError = ForbiddenHost(_("The name of the mail server leads to no address."))
    for family, kind, protocol, _name, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        if not is_allowed(str(address[0])):
            fault = ForbiddenHost(
                _("The mail server is in a local network. Ask an administrator to allow these.")
            )
            continue
        try:
            return _open(family, kind, protocol, address, timeout)
        except OSError as error:
            fault = error
    raise fault


def _open(family: int, kind: int, protocol: int, address: object, timeout: float) -> socket.socket:
    opened = socket.socket(family, kind, protocol)
    try:
        opened.settimeout(timeout)
        opened.connect(address)  # type: ignore[arg-type]
    except OSError:
        opened.close()
        raise
    return opened


def is_allowed(address: str) -> bool:
    """Public addresses always; loopback, link-local and private ones by a setting."""
    if settings.DESK_SMTP_LOCAL_NETWORKS:
        return True
    found = read_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        found = found.sixtofour or found
    return found.is_global and not found.is_multicast
