"""The real Courier-IMAP on loopback with one mailbox; only greeting and log-in are ours.

Courier's own log-in program hands a connection over to `imapd` once the password is right, and so
does this one; that needs no root, no password daemon and no place in /etc.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from imapclient import IMAPClient

from incoming_email.inboxes.imap.account import ImapAccount
from tests.servers.programs import expect_marker

USER, PASSWORD = "user@example.test", "pw-courier"
FLAG_LETTERS = {"\\Seen": "S", "\\Deleted": "T"}
CAPABILITY = (
    "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
)
SETTINGS = {
    # As Debian's /etc/courier/imapd has them.
    "IMAP_CAPABILITY": CAPABILITY,
    "IMAP_KEYWORDS": "1",
    "IMAP_ACL": "1",
    "IMAP_IDLE_TIMEOUT": "60",
    "IMAP_MAILBOX_SANITY_CHECK": "1",
    "IMAP_USELOCKS": "1",
    "IMAP_ENHANCEDIDLE": "0",
}


def find_root() -> Path:
    """Where the packages are unpacked; skips the test where they are not."""
    expect_marker("Courier-IMAP")
    root = os.environ.get("COURIER_ROOT", "")
    if not root:
        pytest.skip("COURIER_ROOT is not set: tests/servers/unpack-courier FOLDER")
    if not Path(root, "usr/bin/imapd").exists():
        pytest.fail(f"{root} holds no Courier-IMAP: tests/servers/unpack-courier {root}")
    return Path(root).resolve()


class Courier:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._root = find_root()
        self.folder = Path(tempfile.mkdtemp(prefix="lbco"))
        self._maildir = self.folder / "Maildir"
        for name in ("cur", "new", "tmp"):
            (self._maildir / name).mkdir(parents=True)
        self._client_id = uuid.uuid4().hex
        self._children: list[subprocess.Popen[bytes]] = []
        self._count = 0
        self._tag = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def _environment(self) -> dict[str, str]:
        libraries = [self._root / "usr/lib", *(self._root / "usr/lib").glob("*-linux-gnu")]
        return {
            **SETTINGS,
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "GAM_CLIENT_ID": self._client_id,
            "HOME": str(self.folder),
            "MAILDIR": str(self._maildir),
            "IMAPLOGINTAG": self._tag,
            "AUTHENTICATED": USER,
            "PROTOCOL": "IMAP",
            "TCPREMOTEIP": "127.0.0.1",
            "TCPREMOTEPORT": "0",
        }

    def _start(self, *command: str, **streams: int) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            child = subprocess.Popen(
                [str(self._root / command[0]), *command[1:]],
                cwd=self.folder,
                env=self._environment(),
                stderr=log,
                **streams,  # type: ignore[arg-type]
            )
        self._children.append(child)

    def __enter__(self) -> Self:
        # imapd tries for two seconds to reach it, in vain also where its folder is another one.
        self._start("usr/libexec/gam_server", "--notimeout", self._client_id)
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
        for child in self._children:
            child.kill()
            child.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._let_in(connection)

    def _let_in(self, connection: socket.socket) -> None:
        """Until LOGIN; then imapd has the connection, and gives the answer to it as well."""
        connection.sendall(f"* OK [CAPABILITY {CAPABILITY}] Courier-IMAP ready.\r\n".encode())
        while line := _read_line(connection):
            self._tag, _, command = line.partition(" ")
            if command.startswith("LOGIN "):
                stream = connection.fileno()
                self._start("usr/bin/imapd", "Maildir", stdin=stream, stdout=stream)
                return
            answer = f"* CAPABILITY {CAPABILITY}\r\n{self._tag} OK CAPABILITY completed\r\n"
            connection.sendall(answer.encode())

    def account(self, **changes: object) -> ImapAccount:
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "password": PASSWORD,
            "timeout": 10.0,
        }
        return ImapAccount(**(settings | changes))  # type: ignore[arg-type]

    def add(self, content: bytes, *flags: str, date: datetime | None = None) -> int:
        """Deliver a message; returns its UID, which Courier gives in the order of the names."""
        self._count += 1
        letters = "".join(sorted(FLAG_LETTERS[flag] for flag in flags))
        name = f"{1_700_000_000 + self._count}.M1P1.host"
        path = self._maildir / "tmp" / name
        path.write_bytes(content)
        moment = (date or datetime.now(UTC)).timestamp()
        os.utime(path, (moment, moment))
        path.rename(self._maildir / "cur" / f"{name}:2,{letters}")
        return self._count

    @property
    def flags(self) -> dict[int, set[str]]:
        """By UID, without the session's own \\Recent."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=10) as client:
            client.login(USER, PASSWORD)
            client.select_folder("INBOX", readonly=True)
            answer = client.fetch(client.search("ALL"), ["FLAGS"])
        return {
            uid: {flag.decode() for flag in row[b"FLAGS"]} - {"\\Recent"}
            for uid, row in answer.items()
        }


def _read_line(connection: socket.socket) -> str:
    """Byte by byte: what follows the log-in is for imapd."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        line += byte
    return line.decode(errors="replace").strip()
