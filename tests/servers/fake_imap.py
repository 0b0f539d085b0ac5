"""An IMAP server that errs on purpose: a small correct one, with scripted answers in between."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from incoming_email.inboxes.imap.account import ImapAccount
from tests.servers.imap_behaviours import CORRECT, Behaviour, describe_message
from tests.servers.imap_searching import Candidate, parse_search

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
    """Use as a context manager. `messages`, `flags`, `dates`: by UID, may be looked at after."""

    def __init__(
        self,
        messages: Mapping[int, bytes],
        *,
        capability: str = "IMAP4rev1 IDLE UIDPLUS",
        greeting: bytes = b"* OK ready\r\n",
        validity: int = 7,
        behaviour: Behaviour = CORRECT,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.messages = dict(messages)
        self.flags: dict[int, set[str]] = {uid: set() for uid in messages}
        self.dates = dict.fromkeys(messages, datetime.now(UTC))
        self.uid_next = max(messages, default=0) + 1
        self.behaviour = behaviour
        self.capability = capability
        self.greeting = greeting
        self.validity = validity
        self.tls = tls
        self.commands: list[str] = []
        self.connections = 0
        self._idle_tag = ""
        self._script: dict[str, list[Reply]] = defaultdict(list)
        self._actions: dict[str, list[Callable[[], object]]] = defaultdict(list)
        self._views: dict[socket.socket, list[int]] = {}
        self._idling: set[socket.socket] = set()
        self._deaf: set[socket.socket] = set()
        self._removed: dict[int, bytes] = {}
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def script(self, command: str, data: bytes, *, then: str = "", times: int = 1) -> None:
        """The answer to the next command whose text holds `command`, instead of the right one."""
        self._script[command] += [Reply(data, then)] * times

    def before(self, command: str, action: Callable[[], object]) -> None:
        """Call `action` when the next command whose text holds `command` has come."""
        self._actions[command].append(action)

    def add(self, content: bytes, *flags: str, date: datetime | None = None) -> int:
        """Deliver a message; returns its UID."""
        uid, self.uid_next = self.uid_next, self.uid_next + 1
        self.flags[uid], self.dates[uid] = set(flags), date or datetime.now(UTC)
        self.messages[uid] = self.behaviour.keep(content)
        if self.behaviour.idle_tells_after is not None:
            timer = threading.Timer(self.behaviour.idle_tells_after, self._tell_idling)
            timer.daemon = True
            timer.start()
        return uid

    def remove(self, uid: int) -> None:
        """As another client does."""
        self._removed[uid] = self.messages.pop(uid)
        del self.flags[uid], self.dates[uid]

    def _tell_idling(self) -> None:
        for connection in self._idling - self._deaf:
            with contextlib.suppress(OSError):
                connection.sendall(b"* %d EXISTS\r\n" % len(self.messages))

    def account(self, **changes: object) -> ImapAccount:
        """Patient with us: a test of what is never answered names a shorter `timeout`."""
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "user@example.test",
            "password": PASSWORD,
            "timeout": 20.0,
        }
        return ImapAccount(**(settings | changes))  # type: ignore[arg-type]

    def sent(self, command: str) -> list[str]:
        """The commands received that hold this text, without their tags."""
        return [line for line in self.commands if command in line]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_fault: object) -> None:
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
        for text, actions in self._actions.items():
            if text in command and actions:
                actions.pop(0)()
        reply = self._scripted(command) or self._right_answer(command, connection)
        data = reply.data.replace(b"IDLE-TAG", self._idle_tag.encode())
        self._idling.discard(connection)
        connection.sendall(data.replace(b"TAG", tag.encode()))
        if command == "IDLE":
            self._idle_tag = tag
            self._idling.add(connection)
        if "STORE" in command and self.behaviour.is_deaf_after_store:
            self._deaf.add(connection)
        return reply

    def _scripted(self, command: str) -> Reply | None:
        for text, replies in self._script.items():
            if text in command and replies:
                return replies.pop(0)
        return None

    def _right_answer(self, command: str, connection: socket.socket) -> Reply:
        verb, _, arguments = command.partition(" ")
        view, news = self._look(verb, connection)
        if verb == "UID":
            verb, _, arguments = arguments.partition(" ")
            try:
                answer = getattr(self, f"_{verb.lower()}")(arguments, view)
            except ValueError as error:
                return Reply(f"TAG BAD UID {verb} {error}\r\n".encode())
            return Reply(news + answer + b"TAG OK done\r\n")
        if verb == "FETCH":
            return Reply(news + self._fetch_numbered(arguments, view) + b"TAG OK done\r\n")
        if verb == "SELECT" and not self.behaviour.has_folder(arguments.strip('"')):
            return Reply(b"TAG NO Mailbox does not exist\r\n")
        if verb == "STATUS":
            return Reply(news + self._status(arguments, view).encode())
        answers = {
            "CAPABILITY": f"* CAPABILITY {self.capability}\r\nTAG OK done\r\n",
            "SELECT": self._selected(view),
            "LIST": self.behaviour.list_folders(),
            "IDLE": "+ idling\r\n",
            "DONE": f"{self._idle_tag} OK done\r\n",
            "STARTTLS": "TAG OK go on\r\n",
            "LOGIN": "TAG OK done\r\n",
            "NOOP": "TAG OK done\r\n",
            "LOGOUT": "* BYE bye\r\nTAG OK done\r\n",
        }
        text = answers.get(verb, "TAG BAD unknown command\r\n")
        return Reply(news + text.encode(), DROP if verb == "LOGOUT" else "")

    def _look(self, verb: str, connection: socket.socket) -> tuple[list[int], bytes]:
        """The UIDs that the session sees now, ascending, and the line that tells of new ones."""
        known = self._views.get(connection)
        if known is None and verb != "SELECT":
            return sorted(self.messages), b""
        news = self.behaviour.sees_news_at
        if known is not None and verb != "SELECT" and news and verb not in news:
            view = [uid for uid in known if uid in self.messages]
        else:
            view = sorted(self.messages)
        self._views[connection] = view
        has_grown = known is not None and verb != "SELECT" and set(view) - set(known)
        has_grown = has_grown and connection not in self._deaf
        return view, b"* %d EXISTS\r\n" % len(view) if has_grown else b""

    def _selected(self, view: Sequence[int]) -> str:
        return self.behaviour.tell_selected(
            len(view), validity=self.validity, uid_next=self._next(view)
        )

    def _status(self, arguments: str, view: Sequence[int]) -> str:
        """Of the one folder there is."""
        seen = view if self.behaviour.sees_news_at else sorted(self.messages)
        values = {"MESSAGES": len(seen), "UIDNEXT": self._next(seen), "UIDVALIDITY": self.validity}
        return self.behaviour.tell_status(arguments, values)

    def _next(self, view: Sequence[int]) -> int:
        """UIDNEXT, as far as a session that sees these messages knows of it."""
        unseen = set(self.messages) - set(view)
        return min(unseen, default=self.uid_next)

    def _search(self, keys: str, view: Sequence[int]) -> bytes:
        wanted = parse_search(keys, lambda text: self.behaviour.find_searched(text, view))
        found = [
            str(uid)
            for uid in view
            if wanted(Candidate(uid, frozenset(self.flags[uid]), self.dates[uid]))
        ]
        return f"* SEARCH {' '.join(found)}\r\n".encode()

    def _fetch(self, arguments: str, view: Sequence[int]) -> bytes:
        uids, _, items = arguments.partition(" ")
        answer = b""
        for uid in self.behaviour.find_named(uids, view):
            content, date = self.messages[uid], self.dates[uid]
            answer += describe_message(uid, content, date, items, number=view.index(uid) + 1)
        if self.behaviour.gives_removed_once and "BODY" in items:
            asked = set(uids.split(","))
            for uid in [each for each in self._removed if str(each) in asked]:
                content, date = self._removed.pop(uid), datetime.now(UTC)
                answer += describe_message(uid, content, date, items, number=len(view) + 1)
        return answer

    def _fetch_numbered(self, arguments: str, view: Sequence[int]) -> bytes:
        """By one sequence number."""
        number, _, items = arguments.partition(" ")
        uids = view[int(number) - 1 : int(number)]
        return self._fetch(f"{uids[0]} {items}", view) if uids else b""

    def _store(self, arguments: str, view: Sequence[int]) -> bytes:
        uids, _, items = arguments.partition(" ")
        for uid in self.behaviour.find_named(uids, view):
            self.flags[uid] |= set(re.findall(r"\\\w+", items)) & set(
                self.behaviour.kept_flags.split()
            )
        return b""

    def _expunge(self, arguments: str, view: Sequence[int]) -> bytes:
        for uid in self.behaviour.find_named(arguments, view):
            if "\\Deleted" in self.flags[uid]:
                del self.messages[uid], self.flags[uid], self.dates[uid]
        return b""
