"""A PgBouncer of our own on loopback that pools transactions, before a PostgreSQL of the tests."""

import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.deploy.doc_blocks import take_block
from tests.servers.dovecot import free_ports
from tests.servers.programs import require_root, require_service
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until

POOLED = take_block("docs/deploying.md", "DATABASE_URL=postgres://letterbox:password@pooler")

CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={server} user=tests
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
server_round_robin = 1
"""
POOL = 3
"""Fewer connections than we have. Each transaction gets the one that waited longest, so two of one
client run on different ones."""


def _fill(url: str) -> None:
    """All connections to the server are there, which come only when they are needed at once."""
    with ExitStack() as stack:
        for _ in range(POOL):
            stack.enter_context(psycopg.connect(url)).execute("SELECT 1")


AS_POSTGRES = ("setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups")


@contextmanager
def running_pgbouncer(server: str) -> Iterator[str]:
    """What DATABASE_URL is in place of this URL of a server, by the line of the docs."""
    require_service("pgbouncer")
    require_root()  # it runs as no root itself
    (port,) = free_ports(1)
    to = urllib.parse.urlsplit(server)
    folder = Path(tempfile.mkdtemp(prefix="lbpb", dir="/tmp"))
    path = folder / "pgbouncer.ini"
    path.write_text(CONFIGURATION.format(server=to.port, port=port, pool=POOL))
    folder.chmod(0o755)
    with (folder / "log").open("wb") as log:
        pooler = subprocess.Popen(
            [*AS_POSTGRES, "pgbouncer", str(path)],
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: can_connect(port), or_show=(folder / "log").read_text)
        told = urllib.parse.urlsplit(POOLED.text.strip().partition("=")[2])
        told = told._replace(netloc=f"tests@127.0.0.1:{port}", path=to.path)
        _fill(told._replace(query="").geturl())
        yield told.geturl()
    finally:
        pooler.terminate()  # at once, as SIGTERM to it means
        pooler.wait(PATIENCE_SECONDS)
        shutil.rmtree(folder)
