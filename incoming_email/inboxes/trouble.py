"""How much of one reading may go to messages that the server does not hand over."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from incoming_email.inboxes.base import InboxError

MAX_IN_A_ROW = 6
"""So many broken messages without a sound one in between, and it may be the server that fails."""

MAX_TIMEOUTS = 4
"""Reading one by one takes at most this many times the account's time-out."""


class Trouble:
    """Of one reading. What was given with its fault is passed over by the next one, so each comes
    further than the last."""

    def __init__(self, timeout: float) -> None:
        self._seconds_left = timeout * MAX_TIMEOUTS
        self._in_a_row = 0
        self._last = InboxError("the server took too long")

    @contextmanager
    def reading_one(self) -> Iterator[None]:
        """Around reading a message by itself; passes its InboxError on."""
        started = time.monotonic()
        try:
            yield
        except InboxError as fault:
            self.note(fault)
            raise
        else:
            self._in_a_row = 0
        finally:
            self._seconds_left -= time.monotonic() - started

    def note(self, fault: InboxError) -> None:
        self._last = fault
        self._in_a_row += 1

    @property
    def is_too_much(self) -> bool:
        return self._in_a_row >= MAX_IN_A_ROW or self._seconds_left <= 0

    def end_if_too_much(self) -> None:
        """Raises the last fault."""
        if self.is_too_much:
            raise self._last
