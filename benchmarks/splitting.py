"""What a message's tree of parts costs: our splitter against the standard library's, in one run.

    python benchmarks/splitting.py [--messages 500] [--rounds 3] [--json]

Each contender builds the tree of each message and reads type and file name of every part; no body
is decoded. It does so in a process of its own for each kind of mail. Faults are exceptions.
"""

import argparse
import base64
import email
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from email import policy
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from make_corpus import build, poison  # noqa: E402

SEED = 20261125
HEAD = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: hostile\r\nMIME-Version: 1.0\r\n"


def nest(levels: int, inside: bytes) -> bytes:
    """Multiparts around a text, each with a boundary of its own; none is closed."""
    opened = (
        b"Content-Type: multipart/mixed; boundary=%(n)d\r\n\r\n--%(n)d\r\n" % {b"n": number}
        for number in range(levels)
    )
    return HEAD + b"".join(opened) + b"Content-Type: text/plain\r\n\r\n" + inside


def attach(size: int) -> bytes:
    lines = base64.encodebytes(bytes(range(256)) * (size * 3 // 4 // 256)).replace(b"\n", b"\r\n")
    file = b"--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64"
    start = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n"
    return HEAD + start + file + b"\r\n\r\n" + lines + b"--b--\r\n"


def make_corpora(messages: int) -> dict[str, Iterator[bytes]]:
    return {
        "ordinary": (content for _kind, content in build(messages, SEED)),
        "malformed": (content for _kind, content in poison()),
        "1,500 levels": iter([nest(1500, b"x\r\n")]),
        "300 levels, 100,000 lines of --": iter([nest(300, b"--x\r\n" * 100_000)]),
        "one file, 25 MB": iter([attach(25_000_000)]),
    }


def read_by_ours(content: bytes) -> None:
    from incoming_email.parsing.limits import Limits  # noqa: PLC0415
    from incoming_email.parsing.mime.structure import parse_structure  # noqa: PLC0415

    root, _defects = parse_structure(content, Limits())
    for part in root.walk():
        _ = part.type, part.filename


def read_by_library(content: bytes, rules: "policy.Policy[email.message.Message]") -> None:
    for part in email.message_from_bytes(content, policy=rules).walk():
        _ = part.get_content_type(), part.get_filename()


CONTENDERS: dict[str, Callable[[bytes], None]] = {
    "ours": read_by_ours,
    "email, policy.compat32": lambda content: read_by_library(content, policy.compat32),
    "email, policy.default": lambda content: read_by_library(content, policy.default),
}


def find_peak_kilobytes() -> int:
    """Of this process since it began. (ru_maxrss would count its parent's as well.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def work(name: str, folder: Path) -> None:
    """In the process of one contender: what it cost, as JSON."""
    read = CONTENDERS[name]
    contents = [path.read_bytes() for path in sorted(folder.iterdir())]
    read(HEAD + b"\r\nwarm\r\n")
    before, seconds, faults = find_peak_kilobytes(), [], 0
    for content in contents:
        started = time.perf_counter()
        try:
            read(content)
        except Exception:  # noqa: BLE001  (which ones there are is what is counted)
            faults += 1
        seconds.append(time.perf_counter() - started)
    mebibytes = (find_peak_kilobytes() - before) / 1024
    print(json.dumps({"seconds": seconds, "faults": faults, "mebibytes": mebibytes}))


def measure(corpus: str, name: str, folder: Path, rounds: int) -> dict[str, object]:
    command = [sys.executable, __file__, "--work", name, str(folder)]
    found = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(rounds)
    ]
    return {
        "corpus": corpus,
        "contender": name,
        "milliseconds": statistics.median(statistics.fmean(each["seconds"]) for each in found)
        * 1000,
        "slowest": statistics.median(max(each["seconds"]) for each in found),
        "mebibytes": statistics.median(each["mebibytes"] for each in found),
        "faults": found[0]["faults"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=500, help="of the ordinary ones")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one object a row")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work[0], Path(options.work[1]))
        return
    for corpus, contents in make_corpora(options.messages).items():
        with tempfile.TemporaryDirectory() as folder:
            for number, content in enumerate(contents):
                (Path(folder) / f"{number:06}.eml").write_bytes(content)
            for name in CONTENDERS:
                row = measure(corpus, name, Path(folder), options.rounds)
                if options.json:
                    print(json.dumps(row))
                else:
                    print(
                        "{corpus:32} {contender:24} {milliseconds:10.2f} ms, slowest {slowest:6.2f}"
                        " s, +{mebibytes:6.1f} MiB, {faults} faults".format(**row)
                    )


if __name__ == "__main__":
    main()
