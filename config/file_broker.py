"""The broker that needs no server: kombu's file transport, safe against half-written files.

Kombu makes a file and then writes into it. A worker that looks between the two takes an empty
message and ends (kombu#1551), and a process killed there leaves a table of queues behind with
which no worker starts again.
"""

import fcntl
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """Overrides the four places where kombu reads or writes what others see half-written."""

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
                logger.warning("broken table of queues made anew exchange=%s", exchange)
                (Path(self.control_folder) / f"{exchange}.exchange").unlink()
                super()._queue_bind(exchange, routing_key, pattern, queue)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time; kombu's own lock comes after it has emptied the file."""
        with (Path(self.control_folder) / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel
