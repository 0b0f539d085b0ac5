"""A server that says one line to everybody, which may be empty, and then nothing more."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import join_all


@contextmanager
def talking(line: bytes) -> Iterator[int]:
    """Gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            client.sendall(line)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        join_all(thread)
        for each in (*clients, listener):
            each.close()
