"""Database and broker that a run of the journeys is on, by TEST_SERVICES."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.world import SqliteFile
from tests.servers.brokers import running_rabbitmq, running_redis
from tests.servers.pgbouncer import running_pgbouncer
from tests.servers.postgresql import PostgresqlServer, running_server


@dataclass(frozen=True)
class Services:
    database: PostgresqlServer | SqliteFile
    """To be asked by the test, without a pooler between."""

    settings: Mapping[str, str]


@contextmanager
def running_services(data: Path) -> Iterator[Services]:
    """`files`: SQLite and the broker of files in `data`. `redis`, `rabbitmq`: that broker, with
    PostgreSQL. `pgbouncer`: PostgreSQL behind a pool of transactions, with Redis."""
    name = os.environ.get("TEST_SERVICES", "files")
    if name == "files":
        yield Services(SqliteFile(data / "db.sqlite3"), {})
        return
    with ExitStack() as stack:
        broker = running_rabbitmq if name == "rabbitmq" else running_redis
        settings = {"CELERY_BROKER_URL": stack.enter_context(broker())}
        server = stack.enter_context(running_server())
        settings["DATABASE_URL"] = server.url
        if name == "pgbouncer":
            settings["DATABASE_URL"] = stack.enter_context(running_pgbouncer(server.url))
        else:
            assert name in {"redis", "rabbitmq"}, f"TEST_SERVICES is {name}"
        if name != "rabbitmq":
            settings["CACHE_URL"] = settings["CELERY_BROKER_URL"].removesuffix("0") + "1"
        yield Services(server, settings)
