"""An IMAP server that errs on purpose: a small correct one, with scripted answers in between."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from incoming_email.inboxes.accounts import ImapAccount

PASSWORD = "pw-fake"
HANG = "hang"
DROP = "drop"
DRIP = "drip"
DRIP_SECONDS = 0.05


@dataclass(frozen=True)
class Reply:
    """Sent as it is; then the server goes on, hangs, drops, or drips (sends it
    again and again).

    `TAG` stands for the command's tag, `IDLE-TAG` for that of the last IDLE.
    """

    data: bytes
    then: str = ""


class FakeImap:
    """Use as a context manager. `messages`, `flags`: by UID, may be looked at after."""

    def __init__(
        self,
        messages: Mapping[int, bytes],
        *,
        capability: str = "IMAP4rev1 IDLE UIDPLUS",
        greeting: bytes = b"* OK ready\r\n",
        validity: int = 7,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.messages = dict(messages)
        self.flags: dict[int, set[str]] = {uid: set() for uid in messages}
        self.capability = capability
        self.greeting = greeting
        self.validity = validity
        self.tls = tls
        self.commands: list[str] = []
        self.connections = 0
        self._idle_tag = ""
        self._script: dict[str, list[Reply]] = defaultdict(list)
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def script(self, command: str, data: bytes, *, then: str = "", times: int = 1) -> None:
        """The answer to the next command whose text holds `command`, instead of the right one."""
        self._script[command] += [Reply(data, then)] * times

    def account(self, **changes: object) -> ImapAccount:
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "user@example.test",
            "password": PASSWORD,
            "timeout": 0.5,
        }
        return ImapAccount(**(settings | changes))  # type: ignore[arg-type]

    def sent(self, command: str) -> list[str]:
        """The commands received that hold this text, without their tags."""
        return [line for line in self.commands if command in line]

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
        for each in list(self._open):
            self._close(each)

    def _close(self, connection: socket.socket) -> None:
        self._open.discard(connection)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.sendall(self.greeting)
            while line := self._read_line(connection):
                tag, _, command = line.partition(" ")
                reply = self._answer(tag, command or tag, connection)
                if reply.then == HANG:
                    while connection.recv(65536):
                        pass
                while reply.then == DRIP:
                    time.sleep(DRIP_SECONDS)
                    connection.sendall(reply.data)
                if reply.then:
                    break
                if command == "STARTTLS" and self.tls and b"TAG OK" in reply.data:
                    self._open.discard(connection)
                    connection = self.tls.wrap_socket(connection, server_side=True)
                    self._open.add(connection)
        except OSError:
            pass
        finally:
            self._close(connection)

    def _read_line(self, connection: socket.socket) -> str:
        """Byte by byte: what follows a STARTTLS belongs to the handshake."""
        line = b""
        while not line.endswith(b"\n"):
            byte = connection.recv(1)
            if not byte:
                return ""
            line += byte
        return line.decode(errors="replace").strip()

    def _answer(self, tag: str, command: str, connection: socket.socket) -> Reply:
        self.commands.append(command)
        reply = self._scripted(command) or self._right_answer(command)
        data = reply.data.replace(b"IDLE-TAG", self._idle_tag.encode())
        connection.sendall(data.replace(b"TAG", tag.encode()))
        if command == "IDLE":
            self._idle_tag = tag
        return reply

    def _scripted(self, command: str) -> Reply | None:
        for text, replies in self._script.items():
            if text in command and replies:
                return replies.pop(0)
        return None

    def _right_answer(self, command: str) -> Reply:
        if command.startswith("UID "):
            _, verb, arguments = command.split(" ", 2)
            answer = getattr(self, f"_{verb.lower()}")(arguments)
            return Reply(answer + b"TAG OK done\r\n")
        top = max(self.messages, default=0) + 1
        answers = {
            "CAPABILITY": f"* CAPABILITY {self.capability}\r\nTAG OK done\r\n",
            "SELECT": (
                f"* {len(self.messages)} EXISTS\r\n* 0 RECENT\r\n"
                f"* OK [UIDVALIDITY {self.validity}] ids\r\n* OK [UIDNEXT {top}] next\r\n"
                "TAG OK [READ-WRITE] done\r\n"
            ),
            "IDLE": "+ idling\r\n",
            "DONE": f"{self._idle_tag} OK done\r\n",
            "STARTTLS": "TAG OK go on\r\n",
            "LOGIN": "TAG OK done\r\n",
            "NOOP": "TAG OK done\r\n",
            "LOGOUT": "* BYE bye\r\nTAG OK done\r\n",
        }
        verb = command.partition(" ")[0]
        answer = answers.get(verb, "TAG BAD unknown command\r\n")
        return Reply(answer.encode(), DROP if verb == "LOGOUT" else "")

    def _chosen(self, text: str) -> list[int]:
        uids: set[int] = set()
        for part in text.split(","):
            low, _, high = part.partition(":")
            top = max(self.messages, default=0) if high == "*" else int(high or low)
            uids |= {uid for uid in self.messages if int(low) <= uid <= top}
        return sorted(uids)

    def _search(self, keys: str) -> bytes:
        match = re.search(r"UID ([\d:,*]+)", keys)
        named = self._chosen(match[1]) if match else []
        found = []
        for uid in sorted(self.messages):
            unseen = "\\Seen" not in self.flags[uid]
            wanted = unseen or uid in named if "UNSEEN" in keys else True
            if wanted and "\\Deleted" not in self.flags[uid]:
                found.append(str(uid))
        return f"* SEARCH {' '.join(found)}\r\n".encode()

    def _fetch(self, arguments: str) -> bytes:
        uids, _, items = arguments.partition(" ")
        answer = b""
        for number, uid in enumerate(self._chosen(uids), 1):
            content = self.messages[uid]
            if "RFC822.SIZE" in items:
                item = f"RFC822.SIZE {len(content)}".encode()
            elif "HEADER" in items:
                header = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                item = b"BODY[HEADER]<0> {%d}\r\n%s" % (len(header), header)
            else:
                item = b"BODY[] {%d}\r\n%s" % (len(content), content)
            answer += b"* %d FETCH (UID %d %s)\r\n" % (number, uid, item)
        return answer

    def _store(self, arguments: str) -> bytes:
        uids, _, items = arguments.partition(" ")
        for uid in self._chosen(uids):
            self.flags[uid] |= set(re.findall(r"\\\w+", items))
        return b""

    def _expunge(self, arguments: str) -> bytes:
        for uid in self._chosen(arguments):
            if "\\Deleted" in self.flags[uid]:
                del self.messages[uid], self.flags[uid]
        return b""
