"""What Letterbox depends on fails while mail comes, and returns: nothing is lost, nothing is done
twice, and mail flows again by itself.
"""

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults import service_faults
from tests.faults.figures import add_fault_figures
from tests.faults.load import Load
from tests.faults.service_faults import LASTS_SECONDS, SECOND, Fault, Scene
from tests.faults.world import SqliteFile, World
from tests.journeys.installation import NO_LIMITS, Installation, end
from tests.servers.brokers import (
    RabbitMq,
    Redis,
    running_rabbitmq_server,
    running_redis_server,
)
from tests.servers.disks import small_disk
from tests.servers.dovecot import free_ports
from tests.servers.postgresql import PostgresqlServer, running_server
from tests.servers.programs import require_program
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.deep,
    pytest.mark.timeout(1800),
]
START_SECONDS = 180
RESUME_SECONDS = 300
RETRY_SECONDS = 300
"""What was cut in the middle is due again after its lease, and the sweep comes each minute."""

DISK = "180m"
CLOCK_SOURCE = Path(__file__).with_name("clock.c")


@dataclass(frozen=True)
class Trial:
    """A fault, and the installation that meets it."""

    fault: Fault
    database: str = "PostgreSQL"
    broker: str = "files"
    twice: bool = False
    """Two of each process."""


TRIALS = {
    "the database is read-only": Trial(service_faults.database_read_only),
    "others hold all connections of the database": Trial(service_faults.no_connection_left),
    "Redis is stopped and emptied": Trial(service_faults.broker_away_and_emptied, broker="Redis"),
    "RabbitMQ is stopped and emptied": Trial(
        service_faults.broker_away_and_emptied, broker="RabbitMQ"
    ),
    "the disk is full": Trial(service_faults.disk_full, database="SQLite"),
    "the disk of the database is full": Trial(service_faults.disk_of_database_full),
    "one of two of each process is killed": Trial(service_faults.one_of_each_killed, twice=True),
    "every process is restarted in turn": Trial(service_faults.all_restarted),
    "the tables are those of 0.1.0, then migrated": Trial(service_faults.tables_of_older_release),
    "the clock is a day ahead, and back": Trial(service_faults.clock_a_day_ahead),
}


def prepare(trial: Trial, folder: Path, stack: ExitStack) -> Scene:
    """The servers run until the stack is left."""
    given = dict(NO_LIMITS)
    web, listener = free_ports(2)
    data = folder / "data"
    broker = start_broker(trial, stack)
    if broker is not None:
        given["CELERY_BROKER_URL"] = broker.url
    disk = mount_disk(trial, data, stack)
    clock = folder / "clock" if trial.fault is service_faults.clock_a_day_ahead else None
    if clock is not None:
        given |= preload_clock(clock)
    server: PostgresqlServer | SqliteFile = SqliteFile(data / "db.sqlite3")
    if trial.database == "PostgreSQL":
        server = stack.enter_context(running_server(disk))
        given["DATABASE_URL"] = server.url
    installation = Installation(
        data,
        SMTP_LISTENER_PORT=str(listener),
        PROCESSING_LEASE_SECONDS="20",
        TASK_TIME_LIMIT_SECONDS="19",
        CHECK_DISK_MIN_BYTES="0",  # or nothing would be written to a disk so small
        **given,
    )
    world = World(server, installation, folder / "Maildir", web, listener)
    scene = Scene(world, folder / "log", broker, disk, clock)
    if clock is not None:
        service_faults.set_clock(scene, 0)
    world.set_up()
    return scene


def start_broker(trial: Trial, stack: ExitStack) -> Redis | RabbitMq | None:
    if trial.broker == "files":
        return None
    running = running_redis_server if trial.broker == "Redis" else running_rabbitmq_server
    return stack.enter_context(running())


def mount_disk(trial: Trial, data: Path, stack: ExitStack) -> Path | None:
    """A small file system for the data, or for the database's alone."""
    if trial.fault is service_faults.disk_full:
        folder = data
    elif trial.fault is service_faults.disk_of_database_full:
        outer = Path(stack.enter_context(TemporaryDirectory(prefix="lbpg", dir="/tmp")))
        outer.chmod(0o755)  # the server is another user
        folder = outer / "server"
    else:
        return None
    return stack.enter_context(small_disk(folder, DISK))


def preload_clock(clock: Path) -> dict[str, str]:
    """The environment of processes whose time of day is that of the file; their timers are not."""
    require_program("cc")
    library = clock.with_name("clock.so")
    words = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(CLOCK_SOURCE), "-ldl"]
    subprocess.run(words, check=True)
    return {"LD_PRELOAD": str(library), "CLOCK_FILE": str(clock)}


def start(scene: Scene, stack: ExitStack, *, twice: bool) -> None:
    lines = scene.world.lines()
    for name, line in lines.items():
        scene.processes[name] = scene.world.installation.start_line(line, log=scene.log)
        if twice and name not in {"web", "listener"}:
            second = scene.world.installation.start_line(line, log=scene.log)
            scene.processes[f"{name}{SECOND}"] = second
    stack.callback(stop, scene)
    wait_until(scene.world.is_open, START_SECONDS)


def stop(scene: Scene) -> None:
    for process in scene.processes.values():
        process.terminate()
    for process in scene.processes.values():
        end(process)


def ride_out(scene: Scene, fault: Fault) -> float:
    """Seconds from the end of the fault until mail has come by each way."""
    with Load(scene.world) as load:
        with fault(scene):
            time.sleep(LASTS_SECONDS)
        back = time.monotonic()
    load.finish(RESUME_SECONDS)
    scene.world.exchange(RESUME_SECONDS)
    return time.monotonic() - back


@pytest.mark.parametrize("name", TRIALS)
def test_mail_flows_again(name: str, tmp_path: Path) -> None:
    trial = TRIALS[name]
    with ExitStack() as stack:
        scene = prepare(trial, tmp_path, stack)
        world = scene.world
        start(scene, stack, twice=trial.twice)
        world.exchange(START_SECONDS)
        seconds = ride_out(scene, trial.fault)
        settle(lambda: set(world.find_titles()) >= world.accepted)
        found, wanted = world.find_titles(), Counter(world.accepted)
        lost, doubled = sum((wanted - found).values()), sum((found - wanted).values())
        add_fault_figures(
            name,
            database=trial.database,
            broker=trial.broker,
            mails=len(wanted),
            lost=lost,
            doubled=doubled,
            seconds=round(seconds),
        )
        assert (lost, doubled) == (0, 0), (wanted - found, found - wanted)
        ended = {n: each.returncode for n, each in scene.processes.items() if each.poll()}
        assert ended == {}


def settle(is_done: Callable[[], bool]) -> None:
    """As long as it may take; what is not done then is lost."""
    until = time.monotonic() + RETRY_SECONDS
    while not is_done() and time.monotonic() < until:
        time.sleep(0.5)
