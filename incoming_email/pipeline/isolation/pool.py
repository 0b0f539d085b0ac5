"""The idle parsers of this process: one is borrowed for a batch, then returned or closed."""

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from incoming_email.pipeline.isolation.process import ParserProcess

MODULE = "incoming_email.parsing.child"


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
        child = self._take()
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

    def _take(self) -> ParserProcess:
        while True:
            with self._lock:
                child = self._free.pop() if self._free else None
            if child is None:
                return self._start()
            if child.is_alive():
                return child
            self._close(child)

    def _start(self) -> ParserProcess:
        child = ParserProcess(self._module)
        with self._lock:
            self._all.add(child)
        return child

    def _close(self, child: ParserProcess) -> None:
        child.close()
        with self._lock:
            self._all.discard(child)

    def _begin_anew(self) -> None:
        """After a fork: the children are the parent's, and a thread of it may hold the lock."""
        for child in self._all:
            child.forget()
        self._begin()
