"""Message brokers of our own on loopback, as children of the tests: Redis and RabbitMQ."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.servers.dovecot import free_ports
from tests.servers.programs import give_up, name_package, require_root, require_service
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until


@dataclass
class Redis:
    """A server that keeps nothing: started again, it is empty."""

    folder: Path
    port: int
    address: str = "127.0.0.1"
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://{self.address}:{self.port}/0"

    def start(self) -> None:
        """Returns once it takes connections."""
        addresses = dict.fromkeys(("127.0.0.1", self.address))
        words = ["--port", str(self.port), "--save", "", "--protected-mode", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *words, "--bind", *addresses],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: can_connect(self.port))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)


@contextmanager
def running_redis_server(address: str = "127.0.0.1") -> Iterator[Redis]:
    require_service("redis-server")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        server = Redis(Path(folder), port, address)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def running_redis() -> Iterator[str]:
    with running_redis_server() as server:
        yield server.url


@dataclass(frozen=True)
class RabbitMq:
    url: str
    control: Callable[..., int]
    """rabbitmqctl with these words; its exit code."""

    def stop(self) -> None:
        """It takes no connections, and forgets all queues and what is in them."""
        assert [self.control(word) for word in ("stop_app", "reset")] == [0, 0]

    def start(self) -> None:
        assert self.control("start_app") == 0


@contextmanager
def running_rabbitmq() -> Iterator[str]:
    with running_rabbitmq_server() as server:
        yield server.url


@contextmanager
def running_rabbitmq_server() -> Iterator[RabbitMq]:
    """As user rabbitmq, with a name daemon (epmd) and a node name of its own."""
    require_service("rabbitmq-server")
    # On the path of Debian is a wrapper, that knows one node and one user only.
    folders = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
    if not folders:
        give_up("rabbitmq-server", name_package("rabbitmq-server"))
    require_root()
    port, distribution, names = free_ports(3)
    folder = Path(tempfile.mkdtemp(prefix="lbmq", dir="/tmp"))
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
    (folder / "plugins").write_text("[].\n")
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, "rabbitmq", "rabbitmq")
    settings = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": f"letterbox{port}@localhost",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ("-kernel inet_dist_use_interface {127,0,0,1}"),
    }
    as_user = ["setpriv", "--reuid", "rabbitmq", "--regid", "rabbitmq", "--clear-groups"]

    def run(program: str, *arguments: str) -> int:
        return subprocess.run(
            [*as_user, program, *arguments],
            env=settings,
            cwd=folder,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode

    control = str(folders[-1] / "rabbitmqctl")
    log = (folder / "output").open("w")
    server = subprocess.Popen(
        [*as_user, str(folders[-1] / "rabbitmq-server")],
        env=settings,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    # Before the node has a name, the question fails whatever its time-out is.
    ask = (control, "-q", "await_startup", "--timeout", "30")
    try:
        wait_until(lambda: run(*ask) == 0, or_show=(folder / "output").read_text)
        yield RabbitMq(f"amqp://guest:guest@127.0.0.1:{port}//", partial(run, control))
    finally:
        run(control, "shutdown", "--timeout", "30")
        run("epmd", "-kill")
        server.wait(PATIENCE_SECONDS)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)
