"""The broker that needs no server: kombu's file transport, safe against half-written files.

Kombu makes a file and then writes into it. A worker that looks between the two takes an empty
message and ends (kombu#1551), and a process killed there leaves a table of queues behind with
which no worker starts again.

It also takes part in the worker's event loop. Without one Celery talks to its processes by one pipe
that all of them read under one lock: a process that is killed as it waits holds that lock for ever,
and no other gets a task again.
"""

import fcntl
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """Overrides the four methods of kombu that read or write files while others may see them
    half-written."""

    # The stubs of kombu's two base classes contradict each other.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """The file gets its name once it is whole; names are read in order, hence the time."""
        folder = Path(self.data_folder_out)
        name = f"{time.monotonic_ns():020}_{uuid.uuid4()}"
        draft = folder / f"{name}.draft"
        try:
            draft.write_text(dumps(payload))
            draft.rename(folder / f"{name}.{queue}.msg")
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {folder}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """Pass over broken files: each is out of the folder before it is read."""
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                logger.warning("broken message dropped queue=%s", queue)

    def get_table(self, exchange: str) -> list[Any]:
        with self._locked():
            try:
                return list(super().get_table(exchange))
            except ValueError:
                return []

    def _queue_bind(  # type: ignore[override]
        self, exchange: str, routing_key: str, pattern: str, queue: str
    ) -> None:
        with self._locked():
            try:
                super()._queue_bind(exchange, routing_key, pattern, queue)
            except ValueError:
                logger.warning("broken table of queues replaced exchange=%s", exchange)
                (Path(self.control_folder) / f"{exchange}.exchange").unlink()
                super()._queue_bind(exchange, routing_key, pattern, queue)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time; kombu's own lock comes after it has emptied the file."""
        with (Path(self.control_folder) / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    """Looks into the folder by the clock, and as soon as a worker that had enough can take more."""

    Channel = Channel
    implements = filesystem.Transport.implements.extend(asynchronous=True)
    _will_look_soon = False

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Called once a connection; the worker takes the timer away when it is broken."""
        loop.call_repeatedly(self.polling_interval, self._look, connection, loop)

    def _look(self, connection: Any, loop: Any) -> None:
        with suppress(TimeoutError):
            while True:
                self.drain_events(connection, timeout=0)
        has_enough = any(not channel.qos.can_consume() for channel in self.channels or ())
        if has_enough and not self._will_look_soon:
            self._will_look_soon = True
            loop.call_soon(self._look_again, connection, loop)

    def _look_again(self, connection: Any, loop: Any) -> None:
        """After the next event of the loop, such as a task that was taken up."""
        self._will_look_soon = False
        self._look(connection, loop)
