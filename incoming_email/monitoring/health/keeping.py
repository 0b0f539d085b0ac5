"""Signs for anybody who asks: found by one thread at a time, in a bounded time, kept a while."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import connections
from django.utils import timezone

from incoming_email.monitoring.health import signs
from incoming_email.monitoring.health.signs import BROKER, DATABASE, DISK, OPTIONAL, SIGNS, Sign

logger = logging.getLogger(__name__)

SECONDS = 3.0
"""That a request may wait. What has given no answer by then does not work."""

OTHERS_SECONDS = 0.25
"""That the others may wait, who come while one is waiting: a site has few threads."""

KEPT_SECONDS = 5.0


@dataclass(slots=True)
class Part:
    """What is found together. A thread that hangs is left behind, and no second one is started."""

    find: Callable[[], list[Sign]]
    silent: Sign
    """What is said where no answer comes in time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: threading.Event | None = None
    kept: list[Sign] | None = None
    kept_until: float = 0.0

    def begin(self) -> threading.Event | None:
        """Start to find out, unless that is known or somebody does; what this caller waits for."""
        with self.lock:
            if self.running is not None or time.monotonic() < self.kept_until:
                return None
            done = self.running = threading.Event()
        _start(lambda: self._work(done))
        return done

    def end(self, done: threading.Event | None, until: float) -> list[Sign] | None:
        """None where another request is waiting, and nothing is known yet."""
        if done is None:
            running = self.running
            if self.kept is None and running is not None:
                running.wait(OTHERS_SECONDS)
            return self.kept
        done.wait(max(0.0, until - time.monotonic()))
        with self.lock:
            if not done.is_set():
                self._keep([self.silent])
            return self.kept

    def forget(self) -> None:
        with self.lock:
            self.running, self.kept, self.kept_until = None, None, 0.0

    def _keep(self, found: list[Sign]) -> None:
        self.kept, self.kept_until = found, time.monotonic() + KEPT_SECONDS

    def _work(self, done: threading.Event) -> None:
        try:
            found = self.find()
        except Exception:  # whatever it is, who asks is answered, and the next one asks anew
            logger.exception("the state could not be found out part=%s", self.silent.name)
            found = [self.silent]
        with self.lock:
            self._keep(found)
            self.running = None
            done.set()


def _start(work: Callable[[], None]) -> None:
    def work_and_disconnect() -> None:
        try:
            work()
        finally:
            connections.close_all()

    threading.Thread(target=work_and_disconnect, name="health", daemon=True).start()


PARTS = {
    DATABASE: Part(
        lambda: signs.find_in_database(now=timezone.now()), Sign(DATABASE, is_good=False)
    ),
    BROKER: Part(signs.ask_broker, Sign(BROKER, is_good=False)),
    DISK: Part(signs.look_at_disk, Sign(DISK, is_good=False)),
}


def find_signs(names: Iterable[str]) -> list[Sign] | None:
    """As of the last few seconds; None where others are asking and nothing is known yet.

    Without names: all that every installation has. While the database is away, it alone stands for
    all that it would say.
    """
    asked = list(names) or [name for name in SIGNS if name not in OPTIONAL]
    alone = (BROKER, DISK)
    parts = [PARTS[DATABASE]] if set(asked) - set(alone) else []
    parts += [PARTS[name] for name in alone if name in asked]
    until = time.monotonic() + SECONDS
    begun = [(part, part.begin()) for part in parts]
    answers = [part.end(done, until) for part, done in begun]
    if None in answers:
        return None
    found = [sign for answer in answers for sign in answer or ()]
    is_away = any(sign.name == DATABASE and not sign.is_good for sign in found)
    return [sign for sign in found if sign.name in asked or (is_away and sign.name == DATABASE)]
