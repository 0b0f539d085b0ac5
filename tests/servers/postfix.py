"""A Postfix of our own on loopback, as an administrator sets it up before Letterbox."""

import shutil
import smtplib
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.dovecot import free_ports
from tests.servers.postfix_conf import MAIN, MASTER
from tests.servers.programs import require_root, require_service
from tests.waiting import PATIENCE_SECONDS, wait_until


class Postfix:
    """Use as a context manager. `settings`: lines of main.cf, the same as in the manual."""

    def __init__(self, settings: str) -> None:
        require_service("postfix")
        require_root()
        self.folder = Path(tempfile.mkdtemp(prefix="lbpf", dir="/tmp"))
        self.folder.chmod(0o755)
        (self.port,) = free_ports(1)
        for name in ("etc", "spool", "data", "mail"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix", "postfix")
        shutil.chown(self.folder / "mail", "mail", "mail")
        main = MAIN.format(folder=self.folder, settings=settings.format(folder=self.folder))
        (self.folder / "etc/main.cf").write_text(main)
        (self.folder / "etc/master.cf").write_text(MASTER.format(port=self.port))

    def _run(self, word: str) -> str:
        command = ["postfix", "-c", str(self.folder / "etc"), word]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        return done.stdout + done.stderr

    def __enter__(self) -> Self:
        said = self._run("start")
        try:
            wait_until(self._greets, or_show=lambda: f"{said} {self.log()}")
        except AssertionError:
            self._run("abort")
            raise
        return self

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                return connection.recv(100).startswith(b"220")
        except OSError:
            return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run("stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        path = self.folder / "spool/maillog"
        return path.read_text(errors="replace") if path.exists() else ""

    def send(self, recipients: list[str], content: bytes) -> None:
        """As the world outside does."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE_SECONDS) as client:
            client.sendmail("ann@example.com", recipients, content)
