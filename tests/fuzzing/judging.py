"""Whether an input is a finding, and the folder that findings are kept in: the smallest of each."""

import hashlib
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.fuzzing.targets import Target
from tests.growing import assert_linear, seconds

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "var" / "fuzzing"
"""What a run leaves: for each target its corpus and its findings."""

MAX_SECONDS, MAX_SECONDS_A_BYTE = 1.0, 0.0001
"""Processor time that an input may take while its coverage is measured, which takes several times
as long as otherwise."""

ROUNDS = 4
SMALL, LARGE = 25_000, 200_000
"""Bytes of a stretched input. Quadratic time takes 64 times as long for the larger one."""

STRETCHED = "grows"


def judge(target: Target, data: bytes) -> None:
    """Raises what the target raises, and AssertionError where it takes too long."""
    most = MAX_SECONDS + len(data) * MAX_SECONDS_A_BYTE
    if seconds(target.check, data) > most:
        taken = min(seconds(target.check, data) for _ in range(ROUNDS))
        assert taken < most, f"{len(data)} bytes take {taken:.1f} s"


def judge_growth(target: Target, data: bytes, start: int, end: int) -> None:
    """The same for an input whose bytes from `start` to `end` come again and again."""
    assert_linear(target.read, lambda size: stretch(data, start, end, size), SMALL, LARGE, ROUNDS)


def stretch(data: bytes, start: int, end: int, size: int) -> bytes:
    middle = data[start:end]
    times = max(1, (size - len(data)) // len(middle))
    return data[:start] + middle * times + data[end:]


def keep(folder: Path, data: bytes, error: Exception, name: str = "") -> bool:
    """The input of the shortest of all findings that end at the same line. Whether it is new."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{name}{_name(error)}"
    is_new = not place.exists()
    if is_new:
        trace = "".join(traceback.format_exception(error))
        place.with_suffix(".txt").write_text(trace, errors="backslashreplace")
    if is_new or len(data) < place.stat().st_size:
        place.write_bytes(data)
    return is_new


def _name(error: Exception) -> str:
    """By the kind of error and the innermost line of this project."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith(str(ROOT)) and ".venv" not in f.filename]
    frame = own[-1] if own else frames[-1]
    digest = hashlib.sha256(f"{frame.filename}:{frame.lineno}".encode()).hexdigest()[:6]
    return f"{type(error).__name__}-{Path(frame.filename).stem}-{frame.lineno}-{digest}"


def watch(judged: Callable[[bytes], None], folder: Path) -> Callable[[bytes], None]:
    """For a fuzzer: findings are kept and said once, and the run goes on."""

    def take(data: bytes) -> None:
        try:
            judged(data)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is a finding)
            if keep(folder, data, error):
                print(f"FOUND {type(error).__name__} by {data[:60]!r}", flush=True)

    return take
