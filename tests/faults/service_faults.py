"""Faults of what Letterbox depends on: each is a block that it lasts for."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CalledProcessError, Popen

import psycopg

from tests.faults.world import World
from tests.journeys.installation import end
from tests.servers.brokers import RabbitMq, Redis
from tests.servers.disks import filled
from tests.waiting import wait_until

Processes = dict[str, Popen[bytes]]
SECOND = " 2"
"""Ends the name of the second process of a kind."""

LASTS_SECONDS = 8.0
DAY_SECONDS = 86_400
TABLES_OF_0_1_0 = {
    "servicedesk": "0004_failing_mail_servers",
    "incoming_email": "0015_raw_compression",
    "issues": "0010_outgoing_by_budget",
}
"""The last migrations of that release, by application."""

READ_ONLY = "ALTER DATABASE postgres SET default_transaction_read_only"


@dataclass
class Scene:
    """What a fault may reach."""

    world: World
    log: Path
    broker: Redis | RabbitMq | None = None
    disk: Path | None = None
    """A small file system that holds the data."""

    clock: Path | None = None
    """By how many seconds the time of day of all processes is ahead."""

    processes: Processes = field(default_factory=dict)

    def restart(self, name: str, *, kill: bool = False) -> None:
        process = self.processes[name]
        if kill:
            process.kill()
        else:
            process.terminate()
        end(process)
        line = self.world.lines()[name.removesuffix(SECOND)]
        self.processes[name] = self.world.installation.start_line(line, log=self.log)


Fault = Callable[[Scene], AbstractContextManager[None]]


def _execute(scene: Scene, sql: str) -> None:
    url = scene.world.server.url
    with psycopg.connect(
        url, autocommit=True, options="-c default_transaction_read_only=off"
    ) as connection:
        connection.execute(sql)


@contextmanager
def database_read_only(scene: Scene) -> Iterator[None]:
    """As behind a failover to a standby: nothing can be written on any connection, and those of
    that time stay so until they are closed."""
    _execute(scene, f"{READ_ONLY} = on")
    scene.world.server.cut_connections()
    try:
        yield
    finally:
        _execute(scene, f"{READ_ONLY} = off")


@contextmanager
def no_connection_left(scene: Scene) -> Iterator[None]:
    """Others have taken all that the server has."""
    held: list[psycopg.Connection] = []
    try:
        for _ in range(3):
            with suppress(psycopg.OperationalError):
                while True:
                    held.append(psycopg.connect(scene.world.server.url, autocommit=True))
            ours = [connection.info.backend_pid for connection in held]
            held[0].execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IS NOT NULL"
                " AND NOT pid = ANY(%s)",
                [ours],
            )
        yield
    finally:
        for connection in held:
            connection.close()


@contextmanager
def broker_away_and_emptied(scene: Scene) -> Iterator[None]:
    """It is stopped, and has forgotten all tasks when it comes back."""
    assert scene.broker is not None
    scene.broker.stop()
    try:
        yield
    finally:
        scene.broker.start()


@contextmanager
def disk_full(scene: Scene) -> Iterator[None]:
    """Not one byte is left where database, files and queues are."""
    assert scene.disk is not None
    with filled(scene.disk):
        yield


@contextmanager
def disk_of_database_full(scene: Scene) -> Iterator[None]:
    """PostgreSQL's own, which may end by that: then it is started when there is room again."""
    with disk_full(scene):
        yield
    with suppress(CalledProcessError):  # it runs still
        scene.world.server.start()


@contextmanager
def one_of_each_killed(scene: Scene) -> Iterator[None]:
    """Of two of each process one dies by SIGKILL, and is not replaced while this lasts."""
    killed = [name for name in scene.processes if f"{name}{SECOND}" in scene.processes]
    for name in killed:
        scene.processes[name].kill()
    yield
    for name in killed:
        scene.restart(name, kill=True)


@contextmanager
def all_restarted(scene: Scene) -> Iterator[None]:
    """One process after the other, as a deployment does."""
    for name in list(scene.processes):
        scene.restart(name)
        time.sleep(1)
    wait_until(scene.world.is_open)
    yield


@contextmanager
def tables_of_older_release(scene: Scene) -> Iterator[None]:
    """The processes are of now, and the tables are not migrated before this ends."""
    manage = scene.world.installation.manage
    for app, name in TABLES_OF_0_1_0.items():
        manage("migrate", "--verbosity", "0", app, name)
    yield
    manage("migrate", "--verbosity", "0")


@contextmanager
def clock_a_day_ahead(scene: Scene) -> Iterator[None]:
    """Of every process but the database, and back."""
    set_clock(scene, DAY_SECONDS)
    try:
        yield
    finally:
        set_clock(scene, 0)


def set_clock(scene: Scene, seconds: int) -> None:
    assert scene.clock is not None
    draft = scene.clock.with_suffix(".draft")
    draft.write_text(f"{seconds}\n")
    draft.rename(scene.clock)
