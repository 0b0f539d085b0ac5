"""Whether an address is in one of some networks."""

import ipaddress
from collections.abc import Sequence


def read_address(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Without its zone, and as IPv4 where it is mapped into IPv6 (RFC 4291 2.5.5.2)."""
    address = ipaddress.ip_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def is_within(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[str]
) -> bool:
    return any(address in ipaddress.ip_network(each, strict=False) for each in networks)
