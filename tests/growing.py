"""How the time of some work grows with the size of its input, whatever else the machine does."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

from tests.depth import DEPTH

Input = TypeVar("Input")

ROUNDS = 24
# Below this, the clock and the first look at the code weigh more than the work.
SHORTEST = 0.005


def assert_linear(
    work: Callable[[Input], object],
    make: Callable[[int], Input],
    small: int,
    large: int,
    rounds: int = ROUNDS,
) -> None:
    """Fail if `work(make(large))` takes far more than `make(small)` lets one expect.

    A larger input takes somewhat more than its share, since it fits less well into the processor's
    caches: up to 2.5 times that, or the root of `large / small` where this is more. What takes the
    square of the size takes `large / small` times its share, so `large` is at least four times
    `small`. Both are measured again, in turn, until they fit or the rounds are over: other
    work on the machine makes a measurement longer, and never shorter. A deep run takes larger ones.
    """
    assert large >= 4 * small
    small, large = small * DEPTH, large * DEPTH
    contents = make(small), make(large)
    ratio = large / small
    limit = ratio * max(2.5, ratio**0.5)
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        best = [min(b, seconds(work, content)) for b, content in zip(best, contents, strict=True)]
        if best[1] < limit * max(best[0], SHORTEST):
            return
    raise AssertionError(f"{small}: {best[0]:.4f} s, {large}: {best[1]:.4f} s")


def seconds(work: Callable[[Input], object], content: Input) -> float:
    """Processor time of one call, without the collector, which looks at all that the tests hold."""
    gc.collect(0)
    gc.disable()
    try:
        begun = time.process_time()
        work(content)
        return time.process_time() - begun
    finally:
        gc.enable()
