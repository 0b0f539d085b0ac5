"""What goes on living when Letterbox dies: mail servers and those who deliver, in a process apart.

It is told what to do by a socket of the machine, one question and one answer a connection.
"""

import json
import os
import signal
import smtplib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.cutting_link import CuttingLink
from tests.issues.smtp_sink import Sink, running_sink, running_sink_at
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until

GIVE_UP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Mail:
    """On its way to us."""

    recipient: str
    content: bytes


@dataclass
class Sender:
    """A mail server that has mail for us, and keeps each until it is answered with 250."""

    mails: list[Mail]
    port: int
    client: Callable[..., smtplib.SMTP] = smtplib.SMTP

    def send(self) -> list[int]:
        """One attempt at all; codes of the answers, 0 where the connection broke."""
        wait_until(lambda: can_connect(self.port))
        return [self._offer(mail) for mail in list(self.mails)]

    def _offer(self, mail: Mail) -> int:
        try:
            with self.client("127.0.0.1", self.port, timeout=GIVE_UP_SECONDS) as connection:
                connection.sendmail("mail@sender.example", [mail.recipient], mail.content)
        except smtplib.SMTPResponseException as refusal:
            return refusal.smtp_code
        except (smtplib.SMTPException, OSError):
            return 0
        self.mails.remove(mail)
        return 250


@dataclass
class Outside:
    """`servers` are entered when the process starts; `actions` are what it can be asked for."""

    path: Path
    sink_port: int
    cut_at: int | None = None
    """The line of a talk with the server for outgoing mail at which the connection ends; None:
    nothing stands between."""

    servers: list[Any] = field(default_factory=list)
    actions: dict[str, Callable[[], Any]] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        """In a process of its own, which knows nothing of earlier ones."""
        self.path.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            try:
                self._serve()
            finally:
                os._exit(1)
        try:
            wait_until(lambda: self.path.exists() and self.ask("is there"))
            yield
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def ask(self, action: str) -> Any:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_SECONDS)
            connection.connect(str(self.path))
            connection.sendall(action.encode() + b"\n")
            with connection.makefile("rb") as answer:
                return json.loads(answer.read())

    def _serve(self) -> None:
        with ExitStack() as stack:
            sink = self._start_sink(stack)
            for server in self.servers:
                stack.enter_context(server)
            actions = {"is there": lambda: True, "sent": lambda: read_sink(sink), **self.actions}
            listener = socket.socket(socket.AF_UNIX)
            draft = self.path.with_suffix(".draft")
            draft.unlink(missing_ok=True)
            listener.bind(str(draft))
            listener.listen()
            draft.rename(self.path)
            while True:
                _answer(listener, actions)

    def _start_sink(self, stack: ExitStack) -> Sink:
        if self.cut_at is None:
            return stack.enter_context(running_sink_at(self.sink_port))
        sink = stack.enter_context(running_sink())
        link = stack.enter_context(CuttingLink(self.sink_port, sink.port, self.cut_at))
        self.actions["lines"] = lambda: link.points
        return sink


def _answer(listener: socket.socket, actions: Mapping[str, Callable[[], Any]]) -> None:
    connection, _ = listener.accept()
    with suppress(OSError), connection:  # whoever asks may be killed meanwhile
        with connection.makefile("r") as lines:
            action = lines.readline().strip()
        connection.sendall(json.dumps(actions[action]()).encode())


def read_sink(sink: Sink) -> list[tuple[str, str]]:
    """Recipient and subject of each mail that was taken. Whoever closed the connection has all
    answers, but the server may still be at the last one."""
    time.sleep(0.02)
    return [(each, str(m.message["Subject"])) for m in list(sink.mails) for each in m.recipients]
