"""Machines on one switch: network namespaces whose links can be cut, as by a pulled cable."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers.programs import expect_marker, give_up, require_program

NET = "10.213.77"
OURS = f"{NET}.1"
"""The tests' own address on the switch, where the servers are that all share."""

SWITCH = "lbswitch"


@dataclass(frozen=True)
class Host:
    name: str
    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        """The beginning of a command that runs there."""
        return ("ip", "netns", "exec", self.name)

    def set_link(self, state: str) -> None:
        """`down`: no packet comes or goes, and nobody is told."""
        _run("ip", "link", "set", self.name, state)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@contextmanager
def running_hosts(*names: str) -> Iterator[list[Host]]:
    expect_marker("hosts")
    require_program("ip")
    if subprocess.run(
        ["ip", "netns", "add", names[0]], capture_output=True, check=False
    ).returncode:
        give_up("network namespaces", "run the tests as root, with a kernel that allows it")
    hosts = [Host(name, f"{NET}.{number}") for number, name in enumerate(names, start=2)]
    try:
        _run("ip", "link", "add", SWITCH, "type", "bridge")
        _run("ip", "addr", "add", f"{OURS}/24", "dev", SWITCH)
        _run("ip", "link", "set", SWITCH, "up")
        for host in hosts:
            if host is not hosts[0]:
                _run("ip", "netns", "add", host.name)
            _plug_in(host)
        yield hosts
    finally:
        for words in (("link", "del", SWITCH), *(("netns", "del", name) for name in names)):
            subprocess.run(["ip", *words], capture_output=True, check=False)


def _plug_in(host: Host) -> None:
    words = ("type", "veth", "peer", "name", "eth0", "netns", host.name)
    _run("ip", "link", "add", host.name, "master", SWITCH, *words)
    host.set_link("up")
    _run(*host.inside, "ip", "addr", "add", f"{host.address}/24", "dev", "eth0")
    for name in ("lo", "eth0"):
        _run(*host.inside, "ip", "link", "set", name, "up")
