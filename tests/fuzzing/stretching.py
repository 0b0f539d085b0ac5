"""`python -m tests.fuzzing.stretching SECONDS TARGET …`: repeats pieces of inputs, by the clock.

What a fuzzer tries is short, and quadratic time of it is nothing. Each input that reached code of
its own is made long, in ways chosen at random.
"""

import os
import random
import sys
import time
from itertools import chain
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")
django.setup()

from tests.fuzzing.judging import FOUND, STRETCHED, judge_growth, keep  # noqa: E402
from tests.fuzzing.targets import TARGETS  # noqa: E402

LONGEST_PIECE = 64
WORDS_SHARE = 0.6


def stretch_all(names: list[str], limit: float) -> int:
    """How many were tried in so many seconds, of each target in turn."""
    corpora = {name: _find_corpus(name) for name in names}
    count, end = 0, time.monotonic() + limit
    while time.monotonic() < end:
        for name, corpus in corpora.items():
            count += 1
            _try(name, random.choice(corpus).read_bytes())
    return count


def _find_corpus(name: str) -> list[Path]:
    places = ((FOUND / name / place).iterdir() for place in ("corpus", "seeds"))
    return [path for path in chain(*places) if path.stat().st_size]


def _try(name: str, data: bytes) -> None:
    start = random.randrange(len(data))
    stop = min(len(data), start + random.choice((1, 2, 4, 8, 16, LONGEST_PIECE, len(data))))
    words = TARGETS[name].pieces
    if words and random.random() < WORDS_SHARE:
        piece = b"".join(random.choices(words, k=random.randint(1, 3)))
        data, stop = data[:start] + piece + data[start:], start + len(piece)
    recipe = f"{STRETCHED}-{start}-{stop}-"
    tried = FOUND / name / "found" / f"{recipe}tried"
    tried.write_bytes(data)  # what is left of one that takes for ever
    try:
        judge_growth(TARGETS[name], data, start, stop)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is a finding)
        if keep(FOUND / name / "found", data, error, recipe):
            print(f"FOUND {error} by {data[start:stop]!r} of {data[:60]!r}", flush=True)
    tried.unlink()


if __name__ == "__main__":
    print(f"stretched {stretch_all(sys.argv[2:], float(sys.argv[1]))} times")
