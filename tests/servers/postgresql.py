"""A PostgreSQL of our own on loopback, as a child of the tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.dovecot import free_ports
from tests.servers.programs import expect_marker, give_up, name_package, require_root

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


def find_program(name: str) -> str:
    """On the path, or, if Debian's wrapper is there, in the folder of its newest version."""
    found = shutil.which(name)
    if found is None and shutil.which("pg_ctlcluster"):
        installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(installed[-1]) if installed else None
    if found is None:
        give_up(name, name_package(name))
    return found


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A server that can be stopped, started again at the same port, and cut from its clients."""

    folder: Path
    port: int
    address: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"postgres://tests@{self.address}:{self.port}/postgres"

    def create(self) -> None:
        words = ("-U", "tests", "--auth=trust", "--locale=C.UTF-8", "-E", "UTF8")
        self._run(find_program("initdb"), "-D", self._data, *words)
        with (self.folder / "data/pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.address}/24 trust\n")

    def start(self) -> None:
        """Returns once it takes connections."""
        options = f"-p {self.port} -c listen_addresses={self.address} -c fsync=off -k {self.folder}"
        log = str(self.folder / "log")
        self._control("-l", log, "-w", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """`fast` ends each connection with a word to the client, `immediate` without."""
        self._control("-m", mode, "-w", "stop")

    def cut_connections(self) -> None:
        """End every connection but ours, as a failover or an administrator does."""
        self.query(CUT)

    def query(self, sql: str) -> Any:
        """The first value of the answer."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(sql).fetchone()
        return row[0] if row else None

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _control(self, *words: str) -> None:
        self._run(find_program("pg_ctl"), "-D", self._data, *words)

    def _run(self, *command: str) -> None:
        subprocess.run(
            ["runuser", "-u", "postgres", "--", *command],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def running_server(
    folder: Path | None = None, *, address: str = "127.0.0.1"
) -> Iterator[PostgresqlServer]:
    """A server with an empty database, which ends with the block; in an empty folder, if given.

    It may end after a test that starts no service: only its beginning asks for the marker.
    """
    expect_marker("PostgreSQL")
    find_program("initdb")
    require_root()
    folder = folder or Path(tempfile.mkdtemp(prefix="lbpg", dir="/tmp"))
    shutil.chown(folder, "postgres", "postgres")
    (port,) = free_ports(1)
    server = PostgresqlServer(folder, port, address)
    server.create()
    server.start()
    try:
        yield server
    finally:
        if (folder / "data/postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The URL of an empty database of a server that ends with the block."""
    with running_server() as server:
        yield server.url


def environment_with(url: str) -> dict[str, str]:
    """The environment of a child that works on that database."""
    return {**os.environ, "DATABASE_URL": url}
