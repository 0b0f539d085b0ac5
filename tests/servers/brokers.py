"""Message brokers of our own on loopback, as children of the tests: Redis and RabbitMQ."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.dovecot import free_ports
from tests.servers.programs import give_up, require_program, require_root

START_SECONDS = 120


@contextmanager
def running_redis() -> Iterator[str]:
    require_program("redis-server")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(10)


@contextmanager
def running_rabbitmq() -> Iterator[str]:
    """As user rabbitmq, with a name daemon (epmd) and a node name of its own."""
    folders = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
    if not folders:
        give_up("rabbitmq-server is not installed: apt-get install rabbitmq-server")
    require_root("RabbitMQ of its own user")
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
    deadline = time.monotonic() + START_SECONDS
    # Before the node has a name, the question fails whatever its time-out is.
    while run(control, "-q", "await_startup", "--timeout", "30") != 0:
        if time.monotonic() > deadline:
            raise TimeoutError((folder / "output").read_text())
        time.sleep(0.5)
    try:
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        run(control, "shutdown", "--timeout", "30")
        run("epmd", "-kill")
        server.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)
