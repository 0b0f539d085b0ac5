"""A PostgreSQL of our own on loopback, as a child of the tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.dovecot import free_ports
from tests.servers.programs import give_up, name_package, require_root


def find_program(name: str) -> str:
    """On the path, or, if Debian's wrapper is there, in the folder of its newest version."""
    found = shutil.which(name)
    if found is None and shutil.which("pg_ctlcluster"):
        installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(installed[-1]) if installed else None
    if found is None:
        give_up(name, name_package(name))
    return found


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The URL of an empty database of a server that ends with the block."""
    initdb, pg_ctl = find_program("initdb"), find_program("pg_ctl")
    require_root()
    folder = Path(tempfile.mkdtemp(prefix="lbpg", dir="/tmp"))
    shutil.chown(folder, "postgres", "postgres")
    (port,) = free_ports(1)

    def run(*command: str) -> None:
        subprocess.run(
            ["runuser", "-u", "postgres", "--", *command],
            check=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    data = str(folder / "data")
    run(initdb, "-D", data, "-U", "tests", "--auth=trust", "--locale=C.UTF-8", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    run(pg_ctl, "-D", data, "-l", str(folder / "log"), "-w", "-o", options, "start")
    try:
        yield f"postgres://tests@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def environment_with(url: str) -> dict[str, str]:
    """The environment of a child that works on that database."""
    return {**os.environ, "DATABASE_URL": url}
