"""Machines on one switch: network namespaces whose links can be cut, as by a pulled cable."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers.programs import expect_marker, give_up, require_program


@dataclass(frozen=True)
class Host:
    name: str
    """Of the namespace, and of its plug in the switch."""

    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        """The beginning of a command that runs there."""
        return ("ip", "netns", "exec", self.name)

    def set_link(self, state: str) -> None:
        """`down`: no packet comes or goes, and nobody is told."""
        _run("ip", "link", "set", self.name, state)


@dataclass(frozen=True)
class Switch:
    address: str
    """The tests' own on it, where the servers are that all share."""

    hosts: tuple[Host, ...]


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"


@contextmanager
def running_hosts(count: int) -> Iterator[Switch]:
    """Names and addresses are those of this process: other tests may do the same meanwhile."""
    expect_marker("hosts")
    require_program("ip")
    pid = os.getpid()
    net = f"198.{18 + pid // 256 % 2}.{pid % 256}"  # RFC 2544: for tests of networks
    name = f"lb{pid}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        give_up("network namespaces", "run the tests as root, with a kernel that allows it")
    _run("ip", "netns", "del", name)
    hosts = tuple(Host(f"{name}h{number}", f"{net}.{number + 2}") for number in range(count))
    try:
        _run("ip", "link", "add", name, "type", "bridge")
        _run("ip", "addr", "add", f"{net}.1/24", "dev", name)
        _run("ip", "link", "set", name, "up")
        for host in hosts:
            _plug_in(host, name)
        yield Switch(f"{net}.1", hosts)
    finally:
        # The links by themselves: a namespace takes its own along only when its last process ended.
        links = [("link", "del", each) for each in (*(host.name for host in hosts), name)]
        for words in (*links, *(("netns", "del", host.name) for host in hosts)):
            subprocess.run(["ip", *words], capture_output=True, check=False)


def _plug_in(host: Host, switch: str) -> None:
    _run("ip", "netns", "add", host.name)
    words = ("type", "veth", "peer", "name", "eth0", "netns", host.name)
    _run("ip", "link", "add", host.name, "master", switch, *words)
    host.set_link("up")
    _run(*host.inside, "ip", "addr", "add", f"{host.address}/24", "dev", "eth0")
    for name in ("lo", "eth0"):
        _run(*host.inside, "ip", "link", "set", name, "up")
