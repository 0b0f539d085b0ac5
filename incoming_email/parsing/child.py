"""`python -m incoming_email.parsing.child`: parses what its parent sends, under limits.

Frames come on standard input and go to standard output, in order. It ends when the input does.
The first frame it writes says that it is ready. Whatever goes wrong in it ends it: the parent has
the message, and starts another one.
"""

import fcntl
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from incoming_email.parsing import wire
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.looks import Look, find_look
from incoming_email.parsing.message import parse, parse_header
from incoming_email.parsing.types import ParsedEmail

EXIT_MEMORY = 71
"""Exit status where the memory limit could not be set. EX_OSERR of sysexits.h."""


class Asked(Enum):
    """What the parent wants to know of a message."""

    MESSAGE = "message"
    HEADER = "header"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Request:
    content: bytes
    recipient: str
    asked: Asked
    limits: Limits
    cpu_seconds: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Ready:
    """What a child says first."""


Answer = ParsedEmail | Look
Reader = Callable[[Request], Answer]


def read(request: Request) -> Answer:
    if request.asked is Asked.LOOK:
        return find_look(request.content, request.limits)
    reader = parse_header if request.asked is Asked.HEADER else parse
    return reader(request.content, recipient=request.recipient, limits=request.limits)


def serve(reader: Reader = read) -> None:
    """Answer requests until the parent closes the pipe."""
    _die_with_parent(int(sys.argv[1]))
    _lie_low()
    with os.fdopen(os.dup(1), "wb") as answers, os.fdopen(0, "rb", closefd=False) as requests:
        os.dup2(2, 1)  # whatever prints, prints where it harms nothing
        _write(answers, Ready())
        try:
            while (request := _read_request(requests)) is not None:
                _limit(request)
                _write(answers, reader(request))
        except MemoryError:
            os._exit(EXIT_MEMORY)


def _die_with_parent(lifeline: int) -> None:
    """The kernel ends this process when the last writer of the pipe is gone, busy or not.

    SIGIO comes when the pipe closes, and its default is the end. PR_SET_PDEATHSIG would not do: it
    fires already when the thread that started us ends.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a service that is stopped finishes its work


def _lie_low() -> None:
    """Leave no mail in a core dump or a log, and be the first to go when memory is short."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.excepthook = _show_fault
    with suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _show_fault(kind: type[BaseException], _: object, place: TracebackType | None) -> None:
    """Without the exception's message, which may quote the mail."""
    sys.stderr.write("".join(traceback.format_tb(place)) + f"{kind.__name__}\n")


def _limit(request: Request) -> None:
    """SIGXCPU ends us when this message has had its time; MemoryError comes past the memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + request.cpu_seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_DATA, (request.memory_bytes, resource.RLIM_INFINITY))


def _read_request(stream: BinaryIO) -> Request | None:
    """None at the end, be it in the middle of one."""
    head = stream.read(wire.SIZE.size)
    if len(head) < wire.SIZE.size:
        return None
    (length,) = wire.SIZE.unpack(head)
    frame = stream.read(length)
    return wire.decode(Request, memoryview(frame)) if len(frame) == length else None


def _write(stream: BinaryIO, value: object) -> None:
    stream.write(wire.encode(value))
    stream.flush()


if __name__ == "__main__":
    serve()
