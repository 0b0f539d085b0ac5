"""The real Exim on loopback, as an administrator sets it up before Letterbox."""

import os
import shutil
import smtplib
import subprocess
import tempfile
from pathlib import Path
from stat import S_IXOTH
from typing import Self

import pytest

from tests.servers.dovecot import free_ports
from tests.servers.programs import expect_marker, require_root
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until

MAIN = """\
primary_hostname = mx.letterbox.localhost
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
exim_user = mail
exim_group = mail
exim_path = {exim}
keep_environment = LD_LIBRARY_PATH
# Delivered by the daemon's own queue runner, which is root: where Exim gets root by its set-uid
# bit, it finds none of the libraries beside it.
queue_only
tls_advertise_hosts =
"""
NAMESPACE = """\
cp /etc/passwd "$1/passwd" && cp /etc/group "$1/group"
echo Debian-exim:x:8:8::/:/bin/false >> "$1/passwd"
echo Debian-exim:x:8: >> "$1/group"
mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group
shift; exec "$@"
"""
"""Debian's Exim looks for a user of this name before it reads anything."""


def find_root() -> Path:
    """Where the packages are unpacked; skips the test where they are not."""
    expect_marker("Exim")
    root = os.environ.get("EXIM_ROOT", "")
    if not root:
        pytest.skip("EXIM_ROOT is not set: tests/servers/unpack-exim FOLDER")
    program = Path(root, "usr/sbin/exim4").resolve()
    if not program.exists():
        pytest.fail(f"{root} holds no Exim: tests/servers/unpack-exim {root}")
    # Exim starts its own file again as another user.
    if closed := [each for each in program.parents if not each.stat().st_mode & S_IXOTH]:
        pytest.fail(f"Other users cannot reach {program}: chmod o+x {closed[0]}")
    return Path(root).resolve()


class Exim:
    """Use as a context manager. `settings`: lines of its configuration, as in the manual."""

    def __init__(self, settings: str) -> None:
        self._root = find_root()
        require_root()
        self.folder = Path(tempfile.mkdtemp(prefix="lbex", dir="/tmp"))
        self.folder.chmod(0o755)
        for name in ("spool", "log"):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, "mail", "mail")
        (self.port,) = free_ports(1)
        conf = self.folder / "conf"
        self._exim = str(self._root / "usr/sbin/exim4")
        main = MAIN.format(folder=self.folder, port=self.port, exim=self._exim)
        conf.write_text(main + settings)
        conf.chmod(0o644)

    def __enter__(self) -> Self:
        libraries = ":".join(map(str, (self._root / "usr/lib").glob("*-linux-gnu")))
        with (self.folder / "output").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("unshare", "--mount", "sh", "-euc", NAMESPACE, "sh", str(self.folder)),
                    *(self._exim, "-C", str(self.folder / "conf"), "-bdf", "-q1s"),
                ],
                env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries},
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(lambda: self._process.poll() is not None or can_connect(self.port))
            assert self._process.poll() is None, self.log()
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_fault: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        paths = [self.folder / "output", *(self.folder / "log").iterdir()]
        return "".join(path.read_text(errors="replace") for path in paths)

    def send(self, recipients: list[str], content: bytes) -> dict[str, tuple[int, bytes]]:
        """As the world outside does; the answers to recipients that it does not take."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE_SECONDS) as client:
            return client.sendmail("ann@example.com", recipients, content)
