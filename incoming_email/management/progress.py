"""How far a long command is: one line that is written over, on a terminal only."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PAUSE_SECONDS = 0.2
"""Between two looks of the line."""

ERASE = "\r\x1b[K"


@contextmanager
def show_progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Gives what is to be called with how many more are done; the line is gone at the end."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    done, shown_at = 0, 0.0

    def write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    def show(count: int) -> None:
        nonlocal done, shown_at
        done += count
        if time.monotonic() - shown_at >= PAUSE_SECONDS:
            shown_at = time.monotonic()
            of = "" if total is None else f" / {total}"
            write(f"{ERASE}{label}: {done}{of}")

    try:
        yield show
    finally:
        write(ERASE)
