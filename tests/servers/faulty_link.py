"""A loopback TCP proxy with faults that can be switched on while it runs."""

import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

RESET = struct.pack("ii", 1, 0)


class FaultyLink:
    """Use as a context manager; connect to `port`.

    `split`: most bytes a write to the client. `drop_after`: a reset after so many bytes to the
    client, once; `drop_up_after`: the same to the server. `black_hole`: nothing more goes through,
    and nothing is closed. `quiet_seconds`: a connection where nothing passed for so long is ended,
    after the words `goodbye`. `fall_silent`: nothing more goes through the connections of now, and
    neither end hears of it; new ones work.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.split = 0
        self.drop_after = self.drop_up_after = 0
        self.black_hole = False
        self.quiet_seconds = 0.0
        self.goodbye = b""
        self.connections = 0
        self._sockets: set[socket.socket] = set()
        self._silent: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Resets every connection."""
        for each in list(self._sockets):
            self._reset(each)

    def fall_silent(self) -> None:
        self._silent |= self._sockets

    def _reset(self, sock: socket.socket) -> None:
        self._sockets.discard(sock)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.connections += 1
            self._sockets |= {client, server}
            if self.quiet_seconds:
                server.settimeout(self.quiet_seconds)
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _is_cut(self, passed: int, down: bool) -> bool:
        limit = self.drop_after if down else self.drop_up_after
        if not 0 < limit <= passed:
            return False
        self.drop_after = self.drop_up_after = 0
        return True

    def _end(self, client: socket.socket) -> None:
        """Politely, so that the words arrive before the end."""
        try:
            client.sendall(self.goodbye)
            client.shutdown(socket.SHUT_WR)
            time.sleep(0.05)
        except OSError:
            pass

    def _end_both(self, source: socket.socket, sink: socket.socket) -> None:
        if source not in self._silent:
            self._reset(source)
            self._reset(sink)

    def _pump(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        passed = 0
        try:
            while data := source.recv(65536):
                while self.black_hole:
                    time.sleep(0.02)
                if source in self._silent:
                    continue
                passed += len(data)
                if self._is_cut(passed, down):
                    break
                step = self.split if down and self.split else len(data)
                for start in range(0, len(data), step):
                    sink.sendall(data[start : start + step])
        except TimeoutError:
            self._end(sink)
        except OSError:
            pass
        finally:
            self._end_both(source, sink)
