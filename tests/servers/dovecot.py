"""A Dovecot 2.3 of our own on loopback, as a child process, for tests of the IMAP inbox."""

import contextlib
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from imapclient import IMAPClient

from incoming_email.inboxes.imap.account import ImapAccount
from tests.deploy.doc_blocks import take_block
from tests.servers.certificates import make_authority, make_certificate
from tests.servers.dovecot_conf import CONFIGURATION, INTROSPECTION, OAUTH
from tests.servers.programs import require_root, require_service
from tests.waiting import PATIENCE_SECONDS, wait_until

DOMAIN = "example.test"
USERS = tuple(f"user{number:02}@{DOMAIN}" for number in range(500))
FOREIGN_USER = f"foreign@{DOMAIN}"
FOREIGN_PASSWORD = "pässwört \N{KEY}"
FULL_CAPABILITY = ""
RECIPE = take_block("docs/operating.md", "recipient_delimiter = +")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; another process may still take one before we do."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def is_taken(port: int) -> bool:
    """Whether somebody listens there; a connection that has ended does not count."""
    with socket.socket() as each:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            each.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def password_of(user: str) -> str:
    return f"pw-{user.partition('@')[0]}"


class Dovecot:
    """Use as a context manager. Ports are chosen at the first start and kept by a restart.

    `capability` replaces what the server offers after login, such as "IMAP4rev1 UIDPLUS" for a
    server without IDLE. `server_names` go into the certificate. `introspection_url`: whom to ask
    about a token; without it there is no XOAUTH2. `sub_addresses`: whether user+detail is user.
    """

    def __init__(
        self,
        *,
        capability: str = FULL_CAPABILITY,
        server_names: Sequence[str] = ("localhost",),
        introspection_url: str = "",
        sub_addresses: bool = True,
    ) -> None:
        require_service("dovecot", "doveadm", "openssl")
        require_root()
        # Short, since unix sockets may have 100 characters; open to dovecot's own users.
        self.folder = Path(tempfile.mkdtemp(prefix="lbdc", dir="/tmp"))
        self.folder.chmod(0o755)
        self._capability = capability
        self._introspection_url = introspection_url
        self._recipe = RECIPE.text if sub_addresses else RECIPE.text.replace("= +", "=")
        self._server_names = server_names
        self._process: subprocess.Popen[bytes] | None = None
        self._users = iter(USERS)
        self.port = self.tls_port = self.lmtp_port = 0

    def __enter__(self) -> Self:
        self._write_files()
        for attempt in range(3):
            self.port, self.tls_port, self.lmtp_port = free_ports(3)
            self._write_configuration()
            try:
                self.start()
            except (RuntimeError, AssertionError):
                self._kill_processes()
                if attempt == 2:
                    raise
            else:
                break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def ca_file(self) -> str:
        return str(self.folder / "tls/ca.pem")

    def _write_files(self) -> None:
        tls = self.folder / "tls"
        make_authority(tls)
        make_certificate(tls, "server", self._server_names)
        mail = self.folder / "mail"
        mail.mkdir()
        shutil.chown(mail, "mail", "mail")
        lines = [f"{user}:{{PLAIN}}{password_of(user)}::::::\n" for user in USERS]
        lines.append(f"{FOREIGN_USER}:{{PLAIN}}{FOREIGN_PASSWORD}::::::\n")
        (self.folder / "users").write_text("".join(lines), encoding="utf-8")

    def _write_configuration(self) -> None:
        offer = f"imap_capability = {self._capability}" if self._capability else ""
        text = CONFIGURATION.format(
            folder=self.folder,
            name=self.folder.name,
            port=self.port,
            tls_port=self.tls_port,
            lmtp_port=self.lmtp_port,
            capability=offer,
            recipe=self._recipe,
            more_mechanisms="xoauth2 oauthbearer" if self._introspection_url else "",
            oauth=OAUTH.format(folder=self.folder) if self._introspection_url else "",
        )
        (self.folder / "dovecot.conf").write_text(text)
        asked = INTROSPECTION.format(url=self._introspection_url)
        (self.folder / "oauth2.conf.ext").write_text(asked)

    def start(self) -> None:
        # Left by a kill: its pid and sockets, which the next start would take for a running server.
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.folder / "dovecot.conf")], start_new_session=True
        )
        process = self._process
        wait_until(lambda: process.poll() is not None or self._greets(), or_show=self.log)
        if process.poll() is not None:
            raise RuntimeError(f"dovecot did not start: {self.log()}")

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(5)
                return connection.recv(200).startswith(b"* OK")
        except OSError:
            return False

    def log(self) -> str:
        path = self.folder / "dovecot.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def stop(self) -> None:
        """Politely: sessions get a BYE."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def kill(self) -> None:
        """At once, with every session, which would outlive the master for a while."""
        if self._process is not None:
            self._kill_processes()
            # The master is gone, and its children may hold the sockets for a moment longer.
            ports = (self.port, self.tls_port, self.lmtp_port)
            wait_until(lambda: not any(map(is_taken, ports)))

    def _kill_processes(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def take_user(self) -> str:
        """A user that no test has had yet; mail of each is apart."""
        return next(self._users)

    def account(self, user: str, **changes: object) -> ImapAccount:
        settings: dict[str, object] = {
            "host": "localhost",
            "port": self.port,
            "user": user,
            "password": password_of(user),
            "timeout": 60.0,
        }
        return ImapAccount(**(settings | changes))  # type: ignore[arg-type]

    def deliver(self, user: str, *contents: bytes, recipient: str = "") -> None:
        """By LMTP, as a mail server does; adds Return-Path, Delivered-To and Received."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as lmtp:
            for content in contents:
                lmtp.sendmail("sender@example.com", [recipient or user], content)

    @contextmanager
    def session(self, user: str, folder: str = "INBOX") -> Iterator[IMAPClient]:
        """Another mail program of the same user, with the folder open."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=PATIENCE_SECONDS) as client:
            client.login(user, password_of(user))
            client.select_folder(folder)
            yield client

    def append(self, user: str, *contents: bytes, folder: str = "INBOX") -> None:
        """Byte for byte, as a mail program that copies."""
        with self.session(user) as client:
            for content in contents:
                client.append(folder, content)

    def create_folder(self, user: str, name: str) -> None:
        with self.session(user) as client:
            client.create_folder(name)

    def expunge(self, user: str, uids: Sequence[int]) -> None:
        with self.session(user) as client:
            client.delete_messages(uids, silent=True)
            client.uid_expunge(uids)

    def flag(self, user: str, uids: Sequence[int], *flags: bytes, folder: str = "INBOX") -> None:
        with self.session(user, folder) as client:
            client.add_flags(uids, flags, silent=True)

    def messages(self, user: str, folder: str = "INBOX") -> dict[int, frozenset[bytes]]:
        """Flags by UID, without the session's own \\Recent."""
        with self.session(user, folder) as client:
            answer = client.fetch(client.search("ALL"), ["FLAGS"])
        return {uid: frozenset(row[b"FLAGS"]) - {rb"\Recent"} for uid, row in answer.items()}

    def doveadm(self, *arguments: str) -> str:
        command = ["doveadm", "-c", str(self.folder / "dovecot.conf"), *arguments]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        return done.stdout

    def uid_validity(self, user: str) -> int:
        with self.session(user) as client:
            return int(client.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"])

    def set_uid_validity(self, user: str, value: int) -> None:
        self.doveadm("mailbox", "update", "-u", user, "--uid-validity", str(value), "INBOX")

    def kick(self, user: str) -> None:
        """Ends the user's sessions as an administrator does."""
        self.doveadm("kick", user)

    def kill_sessions(self, user: str) -> int:
        """SIGKILL to the processes of this user's sessions; how many there were."""
        pids = self._find_sessions(user)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def _find_sessions(self, user: str) -> set[int]:
        listing = self.doveadm("who", "-1", user)
        return {int(pid) for pid in re.findall(r"\bimap\s+(\d+)", listing)}

    def is_idling(self, user: str) -> bool:
        """Whether a session of this user waits in IDLE, by the title of its process."""
        titles = [Path(f"/proc/{pid}/cmdline") for pid in self._find_sessions(user)]
        with contextlib.suppress(OSError):  # a session that has just ended
            return any(b" IDLE]" in title.read_bytes() for title in titles)
        return False
