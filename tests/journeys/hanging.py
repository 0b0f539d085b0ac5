"""A task that hangs, for workers of the tests: `--include tests.journeys.hanging`."""

import os
import time
from pathlib import Path

from celery import shared_task


@shared_task(name="tests.hang")
def hang(*, seconds: float, mark: str) -> None:
    """Writes the number of its process to the file, and `done` at the end."""
    Path(mark).write_text(str(os.getpid()))
    time.sleep(seconds)
    Path(mark).write_text("done")
