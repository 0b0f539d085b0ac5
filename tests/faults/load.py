"""Mail without a pause while something fails: each is kept by its sender until it is taken."""

import smtplib
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.faults.world import Mail, World

PAUSE_SECONDS = 1.0


@dataclass
class Load:
    """Use as a context manager: sends by the listener and into the Maildir, in a thread."""

    world: World
    answers: set[int] = field(default_factory=set)
    """Of the listener; 0 where there was no connection."""

    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _waiting: Mail | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        assert self._thread is not None
        self._thread.join()

    def finish(self, seconds: float) -> None:
        """The mail that was not taken yet."""
        until = time.monotonic() + seconds
        while self._waiting is not None:
            assert time.monotonic() < until, f"the listener said {self.answers}"
            self._offer(self._waiting)
            time.sleep(PAUSE_SECONDS)

    def _run(self) -> None:
        while not self._stopped.wait(PAUSE_SECONDS):
            self.world.drop(Mail(f"Mail {time.monotonic_ns()} left"))
            self._offer(self._waiting or Mail(f"Mail {time.monotonic_ns()} sent"))

    def _offer(self, mail: Mail) -> None:
        """Without an answer nobody knows whether it was taken: it is sent again as it is."""
        try:
            answer = self.world.offer(mail)
        except (OSError, smtplib.SMTPException):
            answer = 0
        self.answers.add(answer)
        self._waiting = None if answer == 250 else mail
        if answer == 250:
            self.world.accepted.add(mail.subject)
