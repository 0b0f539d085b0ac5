"""A socket to a host, within a time that counts for DNS and all its addresses together.

Plain Python: inbox methods use it too.
"""

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

Address = tuple[Any, Any, int, str, tuple[Any, ...]]
"""One line of `socket.getaddrinfo`."""


class NoAddress(OSError):
    """The name leads to no address."""


def connect(
    host: str,
    port: int,
    *,
    seconds: float,
    check_address: Callable[[str], None] | None = None,
) -> socket.socket:
    """`check_address` raises OSError for an address that must not be connected to; the very address
    that was checked is used, so that a second look-up can't change it. Raises OSError."""
    ends = time.monotonic() + seconds
    addresses = find_addresses(host, port, seconds=seconds)
    fault: OSError = NoAddress(f"The name {host} leads to no address.")
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        # One that does not answer leaves time for those behind it.
        share = (ends - time.monotonic()) / (len(addresses) - number)
        if share <= 0:
            raise TimeoutError(f"no connection to {host} within {seconds:g} seconds")
        try:
            if check_address is not None:
                check_address(str(address[0]))
            return _open(family, kind, protocol, address, share)
        except OSError as error:
            fault = error
    raise fault


def find_addresses(host: str, port: int, *, seconds: float) -> list[Address]:
    """`socket.getaddrinfo`, which takes no time-out: a look-up that takes longer is left behind in
    its thread, where the resolver of the system ends it after some time."""
    answers: queue.SimpleQueue[list[Address] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:  # ValueError: no name that DNS could know
            answers.put(error)

    threading.Thread(target=look_up, daemon=True, name="dns look-up").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer from DNS about {host} within {seconds:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def is_loopback(host: str) -> bool:
    """By the name alone; DNS is not asked."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _open(
    family: int, kind: int, protocol: int, address: tuple[Any, ...], seconds: float
) -> socket.socket:
    opened = socket.socket(family, kind, protocol)
    try:
        opened.settimeout(seconds)
        opened.connect(address)
    except OSError:
        opened.close()
        raise
    return opened
