"""Servers in clear that say one thing to everybody, and then nothing more, a byte at a time, or
without end."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import join_all

FLOOD = b"x" * 1_000_000


def _send(client: socket.socket, line: bytes, drip_seconds: float, flood_bytes: int) -> None:
    try:
        client.sendall(line)
        for _ in range(0, flood_bytes, len(FLOOD)):
            client.sendall(FLOOD)
        while drip_seconds:
            time.sleep(drip_seconds)
            client.sendall(b"x")
    except OSError:
        return


@contextmanager
def talking(line: bytes, *, drip_seconds: float = 0.0, flood_bytes: int = 0) -> Iterator[int]:
    """Gives the port. The line may be empty; `drip_seconds`: a byte follows as often as that;
    `flood_bytes`: so many follow as fast as they are read."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            told = (client, line, drip_seconds, flood_bytes)
            threading.Thread(target=_send, args=told, daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        join_all(thread)
        for each in (*clients, listener):
            each.close()
