"""What processes there are, by Linux's own list: children, and what became of them."""

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    state: str
    """As ps shows it: Z is dead, but unburied."""

    command: str


def find_processes() -> list[Process]:
    return [found for path in Path("/proc").glob("[0-9]*") if (found := _read(path)) is not None]


def find_descendants(pid: int) -> list[Process]:
    """Children of that process, their children, and so on."""
    processes, found, parents = find_processes(), [], {pid}
    while parents:
        children = [each for each in processes if each.parent in parents]
        found += children
        parents = {each.pid for each in children}
    return found


def wait_until_gone(pids: set[int], seconds: float) -> set[int]:
    """Those that are still there after that time."""
    deadline = time.monotonic() + seconds
    while left := pids & {each.pid for each in find_processes() if each.state != "Z"}:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return left


def _read(path: Path) -> Process | None:
    try:
        # The name in parentheses may itself have any sign in it.
        state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
        command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has ended meanwhile
        return None
    return Process(int(path.name), int(parent), state, command.strip())


def read_private_bytes(pid: int) -> int:
    """Of a process and all its children; pages that they share would count twice."""
    return sum(_read_private_bytes(each) for each in (pid, *(p.pid for p in find_descendants(pid))))


def _read_private_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
