"""How many clients the listener serves at once, and how much memory their messages may take."""

from collections import Counter
from dataclasses import dataclass, field

from django.conf import settings

from incoming_email.networks import find_client_network, read_address

SMALL_BYTES = 1_000_000
"""A message up to this size is always taken in: as many of them as there may be connections fit."""

TOO_MANY = "421 4.7.0 Too many connections, try again later"
TOO_MANY_OF_YOURS = "421 4.7.0 Too many connections from your network, try again later"


@dataclass(slots=True)
class Clients:
    """Of one listener. Asked on its event loop alone, so that nothing has to be locked."""

    _networks: dict[int, str] = field(default_factory=dict)
    """By connection, the network of its client."""

    _by_network: Counter[str] = field(default_factory=Counter)
    _held: Counter[int] = field(default_factory=Counter)
    """By connection, the bytes of its message."""

    def refuse(self, connection: int, peer: str) -> str:
        """Count a new connection; the answer to one that is too many, which is not counted."""
        network = find_client_network(read_address(peer))
        if 0 < settings.SMTP_LISTENER_MAX_CONNECTIONS <= len(self._networks):
            return TOO_MANY
        most = settings.SMTP_LISTENER_MAX_CONNECTIONS_PER_ADDRESS
        if 0 < most <= self._by_network[network]:
            return TOO_MANY_OF_YOURS
        self._networks[connection] = network
        self._by_network[network] += 1
        return ""

    def forget(self, connection: int) -> None:
        """It is over; nothing where it was refused, or is forgotten already."""
        network = self._networks.pop(connection, None)
        self._held.pop(connection, None)
        if network is not None:
            self._by_network[network] -= 1
            if not self._by_network[network]:
                del self._by_network[network]

    def hold(self, connection: int, size: int) -> bool:
        """Note how large the message of a connection has become, 0 where it is gone; False where
        that is more than there is room for."""
        others = self._held.total() - self._held[connection]
        most = settings.SMTP_LISTENER_MAX_BYTES
        has_room = size <= SMALL_BYTES or most <= 0 or others + size <= most
        self._held[connection] = size if has_room else 0
        return has_room
