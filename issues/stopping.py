"""Whether this process was told to stop, and how long work that comes in batches may go on."""

import mmap
import signal
import threading
import time
from dataclasses import dataclass
from functools import partial
from types import FrameType

from django.conf import settings

END_SECONDS = 5
"""After the time that work under way is given, to put away what is left of it."""

_requested = mmap.mmap(-1, 1)
"""Memory that is shared with processes that this one forks, as a worker does."""


def request() -> None:
    """Work in batches ends after what it is doing now: here and in the processes forked by us."""
    _requested[0] = 1


def is_requested() -> bool:
    return _requested[0] == 1


def prepare(*numbers: signal.Signals) -> None:
    """From now on these signals also note the request, and the kernel ends this process some
    seconds later, whatever it hangs in. What is done at them already is done after that."""
    for number in numbers:
        signal.signal(number, partial(_handle, signal.getsignal(number)))


def prepare_loop() -> threading.Event:
    """Of a main loop: set at SIGTERM and SIGINT, for which this process is prepared now."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    prepare(signal.SIGTERM, signal.SIGINT)
    return stopped


def _handle(then: object, number: int, frame: FrameType | None) -> None:
    request()
    signal.alarm(settings.WORKER_SHUTDOWN_SECONDS + END_SECONDS)
    if callable(then):
        then(number, frame)


@dataclass(frozen=True, slots=True)
class Budget:
    """The time that work in batches has; it is over at once when the process is told to stop."""

    ends_at: float = float("inf")
    """By the monotonic clock."""

    @classmethod
    def of(cls, seconds: float) -> "Budget":
        return cls(time.monotonic() + seconds)

    @classmethod
    def of_task(cls) -> "Budget":
        """What is left then goes on in a new task."""
        return cls.of(settings.TASK_BUDGET_SECONDS)

    def is_over(self) -> bool:
        return is_requested() or time.monotonic() >= self.ends_at


UNLIMITED = Budget()
