"""`python -m tests.fuzzing --minutes 60 [TARGET …]`: fuzzes all targets in turn.

It takes one core, at the lowest priority. Before and after each turn what was found by then is
stretched, for an eighth of the time.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")
django.setup()

from tests.fuzzing.judging import FOUND  # noqa: E402
from tests.fuzzing.seeding import write_inputs  # noqa: E402
from tests.fuzzing.targets import TARGETS  # noqa: E402

MEMORY_MB = 2048
HANGING_SECONDS = 300
"""Of processor time, which a busy machine does not make longer."""

TURN_SECONDS = 300
"""The longest that one target has before the next one's turn."""

_STATUS = re.compile(r"^#\d+\s+(?:INITED|DONE)\s+cov: (\d+) ft: \d+ corp: (\d+)", re.MULTILINE)
_UNITS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass(slots=True)
class Tally:
    executions: int = 0
    first: int = 0
    """Edges that the seeds cover."""

    last: int = 0
    corpus: int = 0


def main() -> None:
    """Ends with status 1 where something was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seeds", type=Path, help="a folder of more inputs, for every target")
    given = parser.parse_args()
    os.nice(19)
    weights = {name: TARGETS[name].weight for name in given.targets or TARGETS}
    for name in weights:
        write_inputs(name, TARGETS[name])
    seconds = given.minutes * 60
    turns = max(1, round(seconds / sum(weights.values()) / TURN_SECONDS))
    share = seconds / turns / sum(weights.values())
    tallies = {name: Tally() for name in weights}
    for _ in range(turns):
        _stretch(weights, seconds / turns / 8)
        for name, weight in weights.items():
            _fuzz(name, share * weight * 3 / 4, given.seeds, tallies[name])
        _stretch(weights, seconds / turns / 8)
    sys.exit(1 if _tell(tallies) else 0)


def _stretch(names: Iterable[str], seconds: float) -> None:
    log = _run(["stretching", str(seconds), *names], seconds)
    print(*re.findall(r"^stretched .*", log, re.MULTILINE), sep="\n", flush=True)


def _fuzz(name: str, seconds: float, more: Path | None, tally: Tally) -> None:
    print(f"{name}: {seconds:.0f} s", flush=True)
    folder = FOUND / name
    options = [
        f"-dict={folder}/words",
        f"-max_len={TARGETS[name].longest}",
        f"-max_total_time={max(1, int(seconds))}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-malloc_limit_mb={MEMORY_MB // 2}",
        "-timeout=0",
        "-print_final_stats=1",
        f"-artifact_prefix={folder}/found/",
    ]
    inputs = map(str, (folder / "corpus", folder / "seeds", *([more] if more else [])))
    log = _run(["one", name, *options, *inputs], seconds)
    (folder / "log.txt").write_text(log)
    for covered, corpus in _STATUS.findall(log):
        tally.first = tally.first or int(covered)
        tally.last, tally.corpus = int(covered), int(corpus)
    tally.executions += sum(map(int, _UNITS.findall(log)))


def _run(words: list[str], seconds: float) -> str:
    """What a module here printed, of which findings are shown; one that hangs is ended."""
    most = int(seconds) + HANGING_SECONDS
    done = subprocess.run(
        [sys.executable, "-m", f"tests.fuzzing.{words[0]}", *words[1:]],
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (most, most)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    text = done.stdout.decode(errors="replace")
    if done.returncode < 0:
        text += f"\nFOUND what ended {words} by signal {-done.returncode}\n"
    for line in text.splitlines():
        if line.startswith(("FOUND", "SUMMARY", "ERROR", "Traceback")):
            print(f"  {line}", flush=True)
    return text


def _tell(tallies: dict[str, Tally]) -> int:
    """A table for people; returns how many findings there are."""
    print(f"{'':14}{'executions':>12}{'covered':>14}{'corpus':>8}{'found':>6}")
    found = 0
    for name, tally in tallies.items():
        mine = [path for path in (FOUND / name / "found").glob("*") if path.suffix != ".txt"]
        found += len(mine)
        covered = f"{tally.first} → {tally.last}"
        print(f"{name:14}{tally.executions:12,}{covered:>14}{tally.corpus:8,}{len(mine):6}")
    print(f"Findings, each with its trace as .txt: {FOUND}/*/found")
    return found


if __name__ == "__main__":
    main()
