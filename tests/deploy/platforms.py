"""Letterbox as compose.yaml and the manifests run it: their commands, settings and probes."""

import json
import re
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from tests.deploy.image import Container, open_image, read_words
from tests.deploy.machine import Machine, running
from tests.deploy.reading import (
    DEPLOY,
    KUBERNETES,
    containers_of,
    own_services,
    read_workloads,
)
from tests.deploy.visiting import Visitor
from tests.issues.smtp_sink import running_sink
from tests.servers.brokers import running_redis
from tests.servers.postgresql import running_postgresql

MIGRATE = "migrate"


@dataclass(frozen=True)
class Platform:
    """All processes run, and the demo project is there."""

    container: Container
    machines: Mapping[str, Machine]
    """By process: each container has settings of its own."""

    host: str
    """The name that the pages have, and whether a proxy speaks TLS before them."""
    is_secure: bool
    probes: Sequence[tuple[str, "Probe"]]
    seeded: Mapping[str, Any]

    def visit(self) -> Visitor:
        return Visitor(self.container.web, host=self.host, is_secure=self.is_secure)


@dataclass(frozen=True)
class Probe:
    """How the platform asks whether a container is well: a command, a page, or a port."""

    command: Sequence[str] = ()
    path: str = ""
    host: str = ""
    port: int = 0

    def is_well(self, platform: Platform, process: str) -> bool:
        container = platform.container
        if self.command:
            done = platform.machines[process].run(container.localize_all(self.command))
            return done.returncode == 0
        if self.path:
            status, _ = Visitor(container.web, host=self.host).ask(self.path)
            return 200 <= status < 400
        port = {8000: container.web, 2525: container.listener}[self.port]
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True


@contextmanager
def running_compose() -> Iterator[Platform]:
    """`docker compose up`, on a PostgreSQL and a Redis of this machine."""
    services = own_services()
    with running_postgresql() as database, running_redis() as redis, open_image("redis") as bare:
        hosts = {"postgres:5432": _netloc(database), "redis:6379": _netloc(redis)}
        container = replace(bare, hosts=hosts)
        _make_secrets(container, database)
        machines = {
            name: container.machine_of(name, service["environment"])
            for name, service in services.items()
        }
        default = read_words("CMD")
        commands = {name: each.get("command", default) for name, each in services.items()}
        probes = [
            (name, Probe(command=each["healthcheck"]["test"][1:]))
            for name, each in services.items()
            if "test" in each.get("healthcheck", {})
        ]
        probes.append(("web", Probe(command=read_words("HEALTHCHECK"))))
        machines[MIGRATE].say(container.localize_all(commands.pop(MIGRATE)))
        with _running(container, machines, commands) as seeded:
            yield Platform(container, machines, "localhost", False, probes, seeded)


def _netloc(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2]


def _make_secrets(container: Container, database: str) -> None:
    """By the script; the database gets the user and the password that it made up."""
    folder = container.folder / "run"
    folder.mkdir()
    subprocess.run([shutil.copy(DEPLOY / "make-secrets", folder)], check=True)
    (folder / "secrets").chmod(0o755)  # each container is given the files, not the folder
    url = folder / "secrets" / "database_url"
    url.chmod(0o644)
    url.write_text(container.localize(url.read_text()))
    password = (folder / "secrets" / "postgres_password").read_text().strip()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE letterbox SUPERUSER LOGIN PASSWORD '{password}'")
        connection.execute("CREATE DATABASE letterbox OWNER letterbox")


@contextmanager
def running_kubernetes() -> Iterator[Platform]:
    """The manifests applied, with a secret.env that needs no server but the one for mail."""
    workloads = read_workloads()
    with running_sink() as sink, open_image() as container:
        settings = _read_lines("settings.env") | _fill_in(
            "secret.env.example",
            DATABASE_URL=f"sqlite:///{container.folder}/data/db.sqlite3",
            EMAIL_URL=f"smtp://127.0.0.1:{sink.port}",
        )
        machines = {name: container.machine_of(name, settings) for name in workloads}
        commands = {name: containers_of(each)[-1]["command"] for name, each in workloads.items()}
        waits = {
            tuple(each["command"])
            for workload in workloads.values()
            for each in containers_of(workload)[:-1]
        }
        assert all(machines["web"].run(command).returncode for command in waits)
        machines[MIGRATE].say(container.localize_all(commands.pop(MIGRATE)))
        assert not any(machines["web"].run(command).returncode for command in waits)
        probes = [(name, probe) for name, each in workloads.items() for probe in _read_probes(each)]
        host = urllib.parse.urlsplit(settings["BASE_URL"]).hostname or ""
        with _running(container, machines, commands) as seeded:
            yield Platform(container, machines, host, True, probes, seeded)


def _read_lines(name: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", (KUBERNETES / name).read_text()))


def _fill_in(name: str, **servers: str) -> dict[str, str]:
    given = {
        **servers,
        "SECRET_KEY": "of-no-value-but-long-enough-for-the-signatures-of-a-test",
        "ENCRYPTION_KEYS": "of-no-value-either",
        "CELERY_BROKER_URL": "filesystem://",
        "CACHE_URL": "dbcache://letterbox_cache",
    }
    assert given.keys() == _read_lines(name).keys()
    return given


def _read_probes(workload: Mapping[str, Any]) -> Iterator[Probe]:
    for each in containers_of(workload):
        ports = {port["name"]: port["containerPort"] for port in each.get("ports", ())}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = each.get(kind, {})
            if "httpGet" in asked:
                (header,) = asked["httpGet"]["httpHeaders"]
                yield Probe(path=asked["httpGet"]["path"], host=header["value"])
            elif "tcpSocket" in asked:
                yield Probe(port=ports[asked["tcpSocket"]["port"]])


@contextmanager
def _running(
    container: Container, machines: Mapping[str, Machine], commands: Mapping[str, Sequence[str]]
) -> Iterator[Mapping[str, Any]]:
    """What seed_demo says, once all of them have started."""
    seeded = json.loads(machines["web"].say(["python", "manage.py", "seed_demo", "--json"]))
    started = [(machines[name], container.localize_all(each)) for name, each in commands.items()]
    with running(started):
        yield seeded
