"""How long it takes to read a message: ours, ours in its child, and others, in one run.

    python benchmarks/parse.py [--messages 2000] [--rounds 3] [--peers PYTHON] [--json]

PYTHON is the interpreter of a virtualenv of its own that holds the peers; without it, or for one
that is not there, they are skipped. Contenders run in turn, each in a process of its own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from make_corpus import build  # noqa: E402
from readers import OURS, PEERS  # noqa: E402

SEED = 20261125


def measure(python: str, name: str, folder: str, data: str) -> float | None:
    """Milliseconds a message; None where the contender cannot run, after saying why."""
    done = subprocess.run(
        [python, "benchmarks/readers.py", name, folder],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": data},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = (done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1]
        print(f"{name} is skipped: {reason}", file=sys.stderr)
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    return float(found["seconds"] / found["messages"] * 1000)


def run_round(contenders: dict[str, str], folder: str, data: str) -> dict[str, float]:
    """Milliseconds a message of each; who cannot run is left out of the rounds that follow."""
    found: dict[str, float] = {}
    for name, python in list(contenders.items()):
        milliseconds = measure(python, name, folder, data)
        if milliseconds is None:
            del contenders[name]
        else:
            found[name] = milliseconds
    return found


def show(name: str, rounds: list[dict[str, float]]) -> dict[str, object]:
    """The ratio is the median of those of each round: a round's contenders share its noise."""
    return {
        "contender": name,
        "milliseconds": round(statistics.median(each[name] for each in rounds), 2),
        "ratio": round(statistics.median(each[name] / each["ours"] for each in rounds), 2),
        "ratios": [round(each[name] / each["ours"], 2) for each in rounds],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter that has the peers")
    parser.add_argument("--json", action="store_true", help="one object a contender")
    options = parser.parse_args()
    contenders = dict.fromkeys(OURS, sys.executable)
    if options.peers:
        contenders |= dict.fromkeys(PEERS, options.peers)
    else:
        print(f"{', '.join(PEERS)} are skipped: no --peers", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as data:
        for number, (_kind, content) in enumerate(build(options.messages, SEED)):
            (Path(folder) / f"{number:06}.eml").write_bytes(content)
        rounds = [run_round(contenders, folder, data) for _ in range(options.rounds)]
    for shown in (show(name, rounds) for name in contenders):
        if options.json:
            print(json.dumps(shown))
        else:
            ratios = " ".join(f"{each:.2f}" for each in shown["ratios"])
            line = f"{shown['contender']:28} {shown['milliseconds']:7.2f} ms"
            print(f"{line}  ÷ ours {shown['ratio']:.2f}  ({ratios})")


if __name__ == "__main__":
    main()
