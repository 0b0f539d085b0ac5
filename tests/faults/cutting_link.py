"""Stands before an SMTP server, and ends a connection instead of passing on a chosen line."""

import socket
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.faults.kill_points import SHOWN_LETTERS, Point


@dataclass
class CuttingLink:
    """Use as a context manager. Lines are counted from 1, of both directions and all connections;
    that of `cut_at` is lost with its connection. 0: none is."""

    port: int
    target: int
    cut_at: int = 0
    points: list[dict[str, Any]] = field(default_factory=list)
    """One for each line so far."""

    _is_open: bool = False
    """The server has a whole text, and its answer has not come back."""

    _lock: Any = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # or accept() goes on, and takes one more
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for ends in ((client, server, "client"), (server, client, "server")):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        with source, source.makefile("rb") as lines:
            with suppress(OSError):
                for line in lines:
                    if self._reach(name, line):
                        break
                    sink.sendall(line)
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _reach(self, name: str, line: bytes) -> bool:
        """Note the line; whether it is lost."""
        what = f"{name}: {line.strip().decode(errors='replace')}"[:SHOWN_LETTERS]
        with self._lock:
            self.points.append(asdict(Point("server", what, is_open_end=self._is_open)))
            self._is_open = name == "client" and line == b".\r\n"
            return len(self.points) == self.cut_at
