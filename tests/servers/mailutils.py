"""The real imap4d of GNU mailutils on loopback, with one mailbox."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import pytest

from tests.servers.dovecot import free_ports
from tests.servers.programs import expect_marker
from tests.waiting import can_connect, wait_until

USER, DOMAIN, PASSWORD = "user", "example.test", "pw-mailutils"
CONFIGURATION = """\
auth {{
  authentication "generic";
  authorization "virtdomain";
}}
virtdomain {{
  passwd-dir "{folder}/passwords";
}}
server 127.0.0.1:{port} {{
}};
"""


def find_root() -> Path:
    """Where the packages are unpacked; skips the test where they are not."""
    expect_marker("GNU mailutils")
    root = os.environ.get("MAILUTILS_ROOT", "")
    if not root:
        pytest.skip("MAILUTILS_ROOT is not set: tests/servers/unpack-mailutils FOLDER")
    if not Path(root, "usr/sbin/imap4d").exists():
        pytest.fail(f"{root} holds no imap4d: tests/servers/unpack-mailutils {root}")
    return Path(root).resolve()


class Mailutils:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._root = find_root()
        self.folder = Path(tempfile.mkdtemp(prefix="lbmu"))
        (self.port,) = free_ports(1)
        self._inbox = self.folder / "INBOX"
        self._inbox.touch()
        (self.folder / "passwords").mkdir()
        digest = subprocess.run(
            ["openssl", "passwd", "-1", PASSWORD], capture_output=True, text=True, check=True
        ).stdout.strip()
        entry = f"{USER}:{digest}:{os.getuid()}:{os.getgid()}:u:{self.folder}:/bin/sh\n"
        (self.folder / "passwords" / DOMAIN).write_text(entry)
        settings = CONFIGURATION.format(folder=self.folder, port=self.port)
        (self.folder / "conf").write_text(settings)

    def columns(self) -> dict[str, object]:
        """Of a mailbox's row."""
        user = f"{USER}@{DOMAIN}"
        return {"host": "127.0.0.1", "port": self.port, "user": user, "password": PASSWORD}

    def __enter__(self) -> Self:
        libraries = ":".join(map(str, (self._root / "usr/lib").glob("*-linux-gnu")))
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(str(self._root / "usr/sbin/imap4d"), "--daemon", "--foreground"),
                    f"--config-file={self.folder / 'conf'}",
                ],
                env={**os.environ, "LD_LIBRARY_PATH": libraries},
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: can_connect(self.port), or_show=(self.folder / "log").read_text)
        return self

    def __exit__(self, *_fault: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, content: bytes) -> None:
        """Deliver a message, as a local delivery agent does."""
        text = content.replace(b"\r\n", b"\n")
        with self._inbox.open("ab") as mbox:
            mbox.write(b"From sender@example.com Mon Nov 30 10:00:00 2026\n" + text + b"\n")
