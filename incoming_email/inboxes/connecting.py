"""TCP connections with a deadline for the whole: the name is resolved within it, too."""

import socket
import threading
import time
from collections.abc import Sequence


def find_addresses(host: str, port: int, *, within: float) -> Sequence[str]:
    """IP addresses of the host, best first. Raises OSError, TimeoutError after `within` seconds.

    In a thread: getaddrinfo has no time-out and may block for half a minute.
    """
    answers: list[list[str] | OSError | ValueError] = []

    def resolve() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, ValueError) as error:
            answers.append(error)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(within)
    if not answers:
        raise TimeoutError("the name was not resolved")
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]


def connect(host: str, port: int, *, within: float) -> socket.socket:
    """The first of the host's addresses that answers. Raises as `find_addresses` does, or what the
    last address gave.

    `socket.create_connection` would give each address the whole time.
    """
    end = time.monotonic() + within
    addresses = find_addresses(host, port, within=within)
    for place, address in enumerate(addresses, start=1):
        left = max(0.001, end - time.monotonic())
        share = left / (len(addresses) + 1 - place)
        try:
            return socket.create_connection((address, port), share)
        except OSError:
            if place == len(addresses):
                raise
    raise OSError(f"the name {host} has no address")
