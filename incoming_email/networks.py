"""Whether an address is in one of some networks, or in a local one."""

import ipaddress
from collections.abc import Sequence

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of IPv4 as a translator takes them (RFC 6052, section 2.1)."""

_V4_BITS = 0xFFFFFFFF
FORBIDDEN = "the host is in a local network, which MAILBOX_LOCAL_NETWORKS forbids"
USE_PUBLIC_HOST = "Use a public host, or ask who runs Letterbox to set MAILBOX_LOCAL_NETWORKS."


class LocalAddress(OSError):
    """The host is in a local network, where no connection is allowed."""

    def __init__(self) -> None:
        super().__init__(FORBIDDEN)


def read_address(peer: str) -> IPAddress:
    """Without its zone, and as IPv4 where it is mapped into IPv6 (RFC 4291 2.5.5.2)."""
    address = ipaddress.ip_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def find_client_network(address: IPAddress) -> str:
    """What clients are counted by: an address of IPv4, or the first one of the network (/64) that a
    client with IPv6 has to itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def is_within(address: IPAddress, networks: Sequence[str]) -> bool:
    return any(address in ipaddress.ip_network(each, strict=False) for each in networks)


def is_public(peer: str) -> bool:
    """Whether it is a host of the internet, and none of this machine or of a local network, also
    by an address that leads to one of IPv4 (NAT64, 6to4)."""
    address = read_address(peer)
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & _V4_BITS)
        elif address.sixtofour:
            address = address.sixtofour
        elif address.is_reserved or address.is_site_local or address.teredo:
            return False
    return address.is_global and not address.is_multicast


def require_public(peer: str) -> None:
    """Raises LocalAddress."""
    if not is_public(peer):
        raise LocalAddress
