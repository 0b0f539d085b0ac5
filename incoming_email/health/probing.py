"""Runs probes side by side, each within its time, and says what did not answer."""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from incoming_email.health.examinations import Probe
from incoming_email.inboxes.base import Answer, Finding


@dataclass(slots=True)
class Running:
    probe: Probe
    started: float
    language: str | None
    findings: "queue.SimpleQueue[Finding]" = field(default_factory=queue.SimpleQueue)

    def work(self) -> None:
        with override(self.language):  # a new thread speaks the default language
            for finding in self.probe.find():
                self.findings.put(finding)

    def collect(self, thread: threading.Thread) -> list[Finding]:
        thread.join(max(0.0, self.started + self.probe.seconds - time.monotonic()))
        is_late = thread.is_alive()
        found = []
        while not self.findings.empty():
            found.append(self.findings.get())
        return found + self._missing(len(found), is_late=is_late)

    def _missing(self, count: int, *, is_late: bool) -> list[Finding]:
        """The step that had no answer, and those behind it."""
        if count == len(self.probe.steps):
            return []
        first, *rest = self.probe.steps[count:]
        if is_late:
            detail = _("no answer within %(seconds)g seconds") % {"seconds": self.probe.seconds}
            remedy = _("Check the network to this server, and whether the server is overloaded.")
        else:
            detail = _("the step broke off by a fault of its own")
            remedy = _("Look at the error output of this command, and report it.")
        skipped = [Finding(step, Answer.SKIPPED, _("a step before failed")) for step in rest]
        return [Finding(first, Answer.NO, detail, remedy), *skipped]


def run(probes: Sequence[Probe]) -> list[list[Finding]]:
    """The findings of each probe, one a step. A thread that hangs is left behind."""
    started, language = time.monotonic(), get_language()
    running = [Running(probe, started, language) for probe in probes]
    threads = [threading.Thread(target=each.work, daemon=True) for each in running]
    for thread in threads:
        thread.start()
    return [each.collect(thread) for each, thread in zip(running, threads, strict=True)]
