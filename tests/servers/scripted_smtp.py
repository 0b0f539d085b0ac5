"""An SMTP server on a real socket that says what a test wants it to say, or says it badly.

Without a script it takes every mail, as Postfix does behind `permit_mynetworks`.
"""

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.waiting import join_all

GREETING, END = "greeting", "."
"""Names of answers that no command asks for: the first line, and that to the end of a mail."""

Say = Callable[[socket.socket], None]
"""Writes to the client; an OSError ends the connection."""


@dataclass
class ScriptedSmtp:
    """`script`: what is said by the name of a command, a line or a function that writes to the
    socket; `answers`: what is said to RCPT, by address. `extensions`: of EHLO."""

    script: Mapping[str, bytes | Say] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8")
    tls: ssl.SSLContext | None = None
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    """That were given a whole, whatever was said then."""

    open: list[socket.socket] = field(default_factory=list)

    @property
    def heard(self) -> Counter[str]:
        return Counter(line.split(" ")[0].upper() for line in self.commands)

    def serve(self, client: socket.socket) -> None:
        self.connections += 1
        self._say(client, GREETING, b"220 mail.example.com ESMTP")
        reader = client.makefile("rb")
        while line := reader.readline().decode(errors="replace").strip():
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "STARTTLS" and self.tls is not None:
                self._say(client, verb, b"220 go")
                client = self.tls.wrap_socket(client, server_side=True)
                self.open.append(client)
                reader = client.makefile("rb")
            elif verb == "DATA":
                self._take_mail(client, reader)
            else:
                self._say(client, verb, self._usual(verb, line))
            if verb == "QUIT":
                return

    def _usual(self, verb: str, line: str) -> bytes:
        if verb == "EHLO":
            lines = [b"mail.example.com", *(each.encode() for each in self.extensions)]
            dashed = [b"250-" + each for each in lines[:-1]]
            return b"\r\n".join([*dashed, b"250 " + lines[-1]])
        if verb == "RCPT":
            return self.answers.get(line.partition("<")[2].partition(">")[0], b"250 2.1.5 Ok")
        usual = {"QUIT": b"221 2.0.0 Bye", "AUTH": b"235 2.7.0 Ok", "HELO": b"250 Ok"}
        return usual.get(verb, b"250 2.1.0 Ok")

    def _take_mail(self, client: socket.socket, reader: "socket.SocketIO") -> None:
        given = self.script.get("DATA", b"354 End data with <CR><LF>.<CR><LF>")
        self._say(client, "DATA", b"354 go on")
        if isinstance(given, bytes) and not given.startswith(b"354"):
            return
        lines = []
        while (line := reader.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.mails.append(b"".join(lines))
        self._say(client, END, b"250 2.0.0 Ok: queued")

    def _say(self, client: socket.socket, name: str, usual: bytes) -> None:
        said = self.script.get(name, usual)
        if callable(said):
            said(client)
        else:
            client.sendall(said + b"\r\n")


def drip(line: bytes, seconds: float = 0.2) -> Say:
    """The line again and again, for ever."""

    def say(client: socket.socket) -> None:
        while True:
            client.sendall(line)
            time.sleep(seconds)

    return say


def flood(line: bytes) -> Say:
    def say(client: socket.socket) -> None:
        while True:
            client.sendall(line * 100)

    return say


def fall_silent(client: socket.socket) -> None:
    """Reads on and says nothing more, until the client goes."""
    while client.recv(65_536):
        pass


def hang_up(client: socket.socket) -> None:
    raise OSError


@contextmanager
def running_smtp(**fields: object) -> Iterator[ScriptedSmtp]:
    server = ScriptedSmtp(**fields)
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client:
            server.serve(client)

    def accept() -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            server.open.append(client)
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        join_all(thread)
        for each in (*server.open, listener):
            each.close()
