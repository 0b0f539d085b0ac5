"""Runs of one journey, each forked from this process: one undisturbed, then one for each point that
dies there and is started again, or at which a server of the journey ends the connection.
"""

import gc
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from tests.faults.end_state import Difference, compare, find_end
from tests.faults.kill_journeys import JOURNEYS
from tests.faults.kill_points import Recorder
from tests.faults.outside import Mail, Outside
from tests.faults.restarting import LATER_SECONDS, clock_ahead, run_scheduled
from tests.faults.template_database import Database
from tests.faults.ways import WAYS

DEADLINE_SECONDS = 120.0
"""For one run, which takes a second: what is not done by then hangs."""


@dataclass
class Report:
    journey: str
    way: str
    database: str
    points: int = 0
    tried: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    not_reached: int = 0
    """Points of the first run that a later one ended without."""

    sent_again: int = 0
    """Mails that went out twice, where nobody can know whether the server had taken the first."""

    seconds: float = 0
    faults: list[dict[str, Any]] = field(default_factory=list)


def run_forked(work: Callable[[], Any]) -> tuple[int, Any]:
    """Exit code and what the work gave, as JSON carries it; negative: the signal that ended it."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(work(), pipe)
            code = 0
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = _read_until(pipe, time.monotonic() + DEADLINE_SECONDS, pid)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return code, json.loads(answer) if code == 0 else None


def _read_until(pipe: Any, deadline: float, pid: int) -> bytes:
    answer = b""
    while chunk := _read_some(pipe, deadline, pid):
        answer += chunk
    return answer


def _read_some(pipe: Any, deadline: float, pid: int) -> bytes:
    ready, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        os.kill(pid, signal.SIGABRT)
        return b""
    return os.read(pipe.fileno(), 1 << 16)


class Runs:
    """One journey by one way. Django is set up, and this process never connects to the database."""

    def __init__(self, folder: Path, database: Database, journey: str, way: str, port: int) -> None:
        self._folder, self._database = folder, database
        self._grave = folder / "grave.json"
        self.journey = JOURNEYS[journey]
        self._way = WAYS[way](folder) if self.journey.brings_mail else None
        self._outside = Outside(folder / "outside", port)
        code, mails = run_forked(self._prepare)
        assert code == 0, f"nothing is prepared: {code}"
        if self._way is not None:
            found = [Mail(recipient, content.encode()) for recipient, content in mails]
            self._way.load(found, self._outside)
        database.keep()

    def _prepare(self) -> list[tuple[str, str]]:
        call_command("migrate", verbosity=0)
        mails = self.journey.prepare()
        if self._way is not None:
            self._way.configure()
        connections.close_all()
        return [(mail.recipient, mail.content.decode()) for mail in mails]

    @contextmanager
    def begun(self, cut_at: int = 0) -> Iterator[None]:
        """All as it was prepared, and the world outside too. `cut_at`: where its server cuts."""
        self._database.put_back()
        if self.journey.server_cuts:
            self._outside.cut_at = cut_at
        with self._outside.running():
            yield

    def record(self) -> list[Any]:
        """The points of a run that nobody disturbs."""
        code, points = run_forked(lambda: self._do(0))
        assert code == 0, "the undisturbed run failed"
        return self._outside.ask("lines") if self.journey.server_cuts else points

    def die(self, number: int) -> tuple[int, dict[str, Any]]:
        """The exit code, and the point; where it was not reached, one that says so."""
        missed = {"what": "not reached", "is_open_end": False}
        if self.journey.server_cuts:
            code, _ = run_forked(lambda: self._do(0))
            return code, [*self._outside.ask("lines"), *[missed] * number][number - 1]
        self._grave.write_text(json.dumps(missed))
        code, _ = run_forked(lambda: self._do(number))
        return code, json.loads(self._grave.read_text())

    def find_end(self) -> list[str] | None:
        """Of what a restarted installation makes of it; None where it hangs or ends."""
        code, end = run_forked(self._recover)
        return end if code == 0 else None

    def warm_up(self) -> None:
        """One run in this process, so that the others find all imported and compiled."""
        with self.begun():
            self._go()
            self._recover()
        connections.close_all()
        gc.collect()
        gc.freeze()

    def _do(self, die_at: int) -> list[Any]:
        recorder = Recorder(self._folder / "data", self._grave, die_at)
        recorder.install()
        self._go()
        return [asdict(point) for point in recorder.points]

    def _go(self) -> None:
        if self._way is not None:
            self._way.receive(self._outside)
        self.journey.go_on()

    def _recover(self) -> list[str]:
        for seconds in LATER_SECONDS:
            with clock_ahead(seconds):
                self._go()
                run_scheduled()
        return find_end(self._outside)


def enumerate_points(runs: Runs, report: Report, *, sample: int, seed: int) -> None:
    """Fill in the report. `sample` 0: every point."""
    runs.warm_up()
    begun = time.monotonic()
    with runs.begun():
        points = runs.record()
        undisturbed = runs.find_end()
    assert undisturbed is not None
    assert any(line.startswith(runs.journey.expected) for line in undisturbed), undisturbed
    report.points = len(points)
    report.kinds = dict(Counter(point["kind"] for point in points))
    numbers = range(1, len(points) + 1)
    if 0 < sample < len(points):
        numbers = sorted(random.Random(seed).sample(numbers, sample))
    for number in numbers:
        with runs.begun(number):
            code, died_at = runs.die(number)
            end = runs.find_end()
        report.tried += 1
        report.not_reached += died_at["what"] == "not reached"
        if code not in {0, -signal.SIGKILL} or end is None:
            fault = Difference([], [], [f"ended with {code}, restarted: {end is not None}"])
        else:
            fault = compare(end, undisturbed)
            if died_at["is_open_end"]:
                report.sent_again += _take_out_sent(fault)
        if fault:
            report.faults.append({"number": number, **died_at, **asdict(fault)})
    report.seconds = round(time.monotonic() - begun, 1)


def _take_out_sent(fault: Difference) -> int:
    """What went out twice is no fault there."""
    again = [line for line in fault.doubled if line.startswith("sent ")]
    fault.doubled[:] = [line for line in fault.doubled if line not in again]
    return len(again)
