"""Servers in clear that say one thing to everybody, and then nothing more, or a byte at a time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import join_all


def _send(client: socket.socket, line: bytes, drip_seconds: float) -> None:
    try:
        client.sendall(line)
        while drip_seconds:
            time.sleep(drip_seconds)
            client.sendall(b"x")
    except OSError:
        return


@contextmanager
def talking(line: bytes, *, drip_seconds: float = 0.0) -> Iterator[int]:
    """Gives the port. The line may be empty; `drip_seconds`: a byte follows as often as that."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            threading.Thread(target=_send, args=(client, line, drip_seconds), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        join_all(thread)
        for each in (*clients, listener):
            each.close()
