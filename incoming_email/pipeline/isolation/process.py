"""Children that parse, and the pipes to them: send ahead, read in order, kill past the time.

One is borrowed for a batch from those that this process keeps, then returned or closed.

Not a fork of this process, which has a database open and a lock in every library: a fresh Python
that imports the parser alone, and does not see our environment, where secrets are.
"""

import atexit
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from incoming_email.parsing import wire
from incoming_email.parsing.child import EXIT_MEMORY, Ready, Request

T = TypeVar("T")
MODULE = "incoming_email.parsing.child"
ROOT = str(Path(__file__).parents[3])
CHUNK = 1 << 20
"""Bytes read at once; also the size that Linux grants a pipe by default."""

START_SECONDS = 60.0
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "LANG", "LC_ALL", "LC_CTYPE")
"""Variables of the environment that a Python may need to start; nothing else reaches the child."""


class NoParserError(Exception):
    """The parser's process does not even start: the fault is of this machine, not of a message."""


class Died(Exception):
    """The parser's process ended before it answered, or its answer is not in the agreed form."""


class OutOfTime(Exception):
    """The parser has not answered in the time that a message may take."""


class OutOfCpu(Exception):
    """The kernel ended the parser: the message took more processor time than it may."""


class OutOfMemory(Exception):
    """The parser ended itself: the message takes more memory than it may."""


_ENDS = {-signal.SIGXCPU: OutOfCpu, EXIT_MEMORY: OutOfMemory}


class ParserProcess:
    """Belongs to one thread at a time. `close` reaps it, also when it is in the middle of work."""

    def __init__(self, module: str) -> None:
        """Raises NoParserError where it does not start."""
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        # The child dies with a pipe, when this process lets go of its end.
        try:
            lifeline, self._lifeline = os.pipe()
        except OSError as fault:
            raise NoParserError(f"the parser does not start: {fault}") from fault
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-m", module, str(lifeline)],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[lifeline],
                env=passed_on | {"PYTHONPATH": os.pathsep.join([ROOT, *filter(None, sys.path)])},
                start_new_session=True,  # Ctrl-C is for us
            )
        except OSError as fault:
            os.close(self._lifeline)
            raise NoParserError(f"the parser does not start: {fault}") from fault
        finally:
            os.close(lifeline)
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018
        self._to_child = self._process.stdin.fileno()
        self._from_child = self._process.stdout.fileno()
        for pipe in (self._to_child, self._from_child):
            os.set_blocking(pipe, False)
            # More messages go ahead where the system has this (Linux) and grants it.
            with suppress(OSError, AttributeError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)
        self._outgoing: deque[memoryview] = deque()
        self._incoming = bytearray()
        self._is_ready = False
        self.served = 0
        self.owed = 0
        """Answers that were asked for and have not been read."""

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, request: Request) -> None:
        """Put it in the queue; it goes out as far as the pipe takes it, the rest while reading."""
        self._outgoing.append(memoryview(wire.encode(request)))
        self.owed += 1
        self._write()

    def read_answer(self, kind: type[T], *, seconds: float, most: int) -> T:
        """The next one, of at most so many bytes. Raises Died and its like, or NoParserError."""
        if not self._is_ready:  # its imports are not counted against the message
            try:
                self._read(Ready, START_SECONDS, CHUNK)
            except (Died, OutOfTime, OutOfCpu, OutOfMemory) as fault:
                raise NoParserError(f"the parser does not start: {fault}") from fault
            self._is_ready = True
        answer = self._read(kind, seconds, most)
        self.owed -= 1
        self.served += 1
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._let_go()

    def forget(self) -> None:
        """In a fork: the child is the parent's, only our copies of its pipes are closed."""
        self._process.returncode = 0
        self._let_go()

    def _let_go(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _read(self, kind: type[T], seconds: float, most: int) -> T:
        """The next frame, once it has come whole."""
        until, start = time.monotonic() + seconds, wire.SIZE.size
        while len(self._incoming) < start:
            self._move(until)
        (length,) = wire.SIZE.unpack_from(self._incoming)
        if length > most:
            raise Died(f"it wants to answer with {length} bytes")
        end = start + length
        while len(self._incoming) < end:
            self._move(until)
        try:
            with memoryview(self._incoming) as come, come[start:end] as frame:
                value = wire.decode(kind, frame)
        except wire.NotOurs as fault:
            raise Died(f"it answered with what is no {kind.__name__}: {fault}") from fault
        del self._incoming[:end]
        return value

    def _move(self, until: float) -> None:
        """Wait until something can be written or read, and do that."""
        poll = select.poll()
        poll.register(self._from_child, select.POLLIN)
        if self._outgoing:
            poll.register(self._to_child, select.POLLOUT)
        left = until - time.monotonic()
        ready = dict(poll.poll(max(0, left) * 1000)) if left > 0 else {}
        if not ready:
            raise OutOfTime("it does not answer")
        if self._to_child in ready:
            self._write()
        if self._from_child in ready:
            chunk = os.read(self._from_child, CHUNK)
            if not chunk:
                code = self._process.wait()
                raise _ENDS.get(code, Died)(f"it ended with {code}")
            self._incoming += chunk

    def _write(self) -> None:
        try:
            while self._outgoing:
                written = os.write(self._to_child, self._outgoing[0])
                piece = self._outgoing.popleft()
                if written < len(piece):
                    self._outgoing.appendleft(piece[written:])
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._outgoing.clear()  # why it ended is seen when its answer is read


class ParserPool:
    """A child for each thread that parses at this moment. Safe between threads and over forks."""

    def __init__(self, module: str = MODULE) -> None:
        self._module = module
        self._begin()
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self.close)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._free: list[ParserProcess] = []
        self._all: set[ParserProcess] = set()

    @contextmanager
    def borrow(self, *, messages_per_child: int) -> Iterator[ParserProcess]:
        """A child for exclusive use. It is returned to the pool only if no answer is
        outstanding."""
        child = None
        while child is None and self._free:
            with self._lock:
                child = self._free.pop() if self._free else None
            if child is not None and not child.is_alive():
                self._close(child)
                child = None
        if child is None:
            child = ParserProcess(self._module)
            with self._lock:
                self._all.add(child)
        try:
            yield child
        finally:
            is_spent = child.owed or child.served >= messages_per_child or not child.is_alive()
            if is_spent:
                self._close(child)
            else:
                with self._lock:
                    self._free.append(child)

    def close(self) -> None:
        """End those that are free."""
        while self._free:
            with self._lock:
                child = self._free.pop() if self._free else None
            if child is not None:
                self._close(child)

    def _close(self, child: ParserProcess) -> None:
        child.close()
        with self._lock:
            self._all.discard(child)

    def _begin_anew(self) -> None:
        """After a fork: the children are the parent's, and a thread of it may hold the lock."""
        for child in self._all:
            child.forget()
        self._begin()
