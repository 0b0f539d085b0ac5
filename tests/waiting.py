"""What another process or thread does or ends is waited for, with a deadline; never looked at once.

A deadline is no measure: it is met only by a fault, so it is long enough for a busy machine.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

PATIENCE_SECONDS = 120.0
PROCESS_SECONDS = 600.0
"""Until a process has ended that computes for seconds on an idle machine."""

LOOK_SECONDS = 0.02


def wait_until(
    answers: Callable[[], object],
    seconds: float = PATIENCE_SECONDS,
    *,
    or_show: Callable[[], object] | None = None,
) -> None:
    """Until it answers true; the last answer shows in the failure, or what `or_show` gives."""
    deadline = time.monotonic() + seconds
    while not (answer := answers()) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    assert answer, or_show() if or_show else answer


def join_all(*threads: Thread, seconds: float = PATIENCE_SECONDS) -> None:
    """Until all have ended."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert [thread.name for thread in threads if thread.is_alive()] == []


def can_connect(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(PATIENCE_SECONDS)
        if client.connect_ex(("127.0.0.1", port)):
            return False
        # Asked again and again, the system gives us the very port to connect from, and we hear us.
        return client.getsockname() != client.getpeername()


def is_gone(pid: int) -> bool:
    """Or a zombie, where nobody reaps what a parent that was killed has left."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
