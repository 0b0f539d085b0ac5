"""Runs the steps that ask servers side by side, each within its time, and reports which did not
answer."""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.monitoring.health.examinations import Probe

GRACE_SECONDS = 0.5
"""Time for a step to end by itself with a reason; one that does not is cut off."""

LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Running:
    probe: Probe
    started: float
    language: str | None
    findings: "queue.SimpleQueue[tuple[float, Finding]]" = field(default_factory=queue.SimpleQueue)

    def work(self) -> None:
        with override(self.language):  # a new thread has the default language
            for finding in self.probe.find():
                self.findings.put((time.monotonic(), finding))

    def collect(self, thread: threading.Thread) -> list[Finding]:
        """A step that took too long counts as unanswered, also where its answer came after all."""
        found: list[Finding] = []
        ends = self.started + self.probe.seconds
        limit = self._limit_of_step(self.started)
        is_late = False
        while len(found) < len(self.probe.steps) and not is_late:
            try:
                moment, finding = self._next(thread, min(limit, ends))
            except queue.Empty:
                is_late = thread.is_alive()
                break
            is_late = moment > limit
            if not is_late:
                found.append(finding)
                limit = self._limit_of_step(moment)
        return found + self._missing(len(found), is_late=is_late)

    def _limit_of_step(self, began: float) -> float:
        seconds = self.probe.step_seconds
        return began + seconds + GRACE_SECONDS if seconds else self.started + self.probe.seconds

    def _next(self, thread: threading.Thread, until: float) -> tuple[float, Finding]:
        """What comes next; raises queue.Empty when the time is over or the thread has ended."""
        while self.findings.empty() and thread.is_alive() and time.monotonic() < until:
            thread.join(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
        return self.findings.get_nowait()

    def _missing(self, count: int, *, is_late: bool) -> list[Finding]:
        """The step that had no answer, and those behind it."""
        if count == len(self.probe.steps):
            return []
        first, *rest = self.probe.steps[count:]
        if is_late:
            seconds = self.probe.step_seconds or self.probe.seconds
            detail = _("no answer within %(seconds)g seconds") % {"seconds": seconds}
            remedy = _("Check the network to this server, and whether the server is overloaded.")
        else:
            detail = _("the step failed because of an internal error")
            remedy = _("Look at the error output of this command, and report it.")
        skipped = [Finding(step, Answer.SKIPPED, _("an earlier step failed")) for step in rest]
        return [Finding(first, Answer.NO, detail, remedy), *skipped]


def run(probes: Sequence[Probe]) -> list[list[Finding]]:
    """The findings of each probe, one a step. A thread that hangs is left behind."""
    started, language = time.monotonic(), get_language()
    running = [Running(probe, started, language) for probe in probes]
    threads = [threading.Thread(target=each.work, daemon=True) for each in running]
    for thread in threads:
        thread.start()
    return [each.collect(thread) for each, thread in zip(running, threads, strict=True)]
