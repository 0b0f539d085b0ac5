"""From Dovecot to notes and ledger rows, as a ratio to the floor of the same run.

    python benchmarks/throughput.py [--messages 2000] [--rounds 3] [--database both] [--json]

Needs root, Dovecot and, for its part, PostgreSQL. Contenders run in turn, each on a mailbox
filled afresh and a fresh database, each in a process of its own. Seconds depend on the machine;
the ratio is what counts.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from make_corpus import build  # noqa: E402

from tests.servers.dovecot import Dovecot, password_of  # noqa: E402
from tests.servers.postgresql import running_postgresql  # noqa: E402

SEED = 20261125
FROM = re.compile(rb"^From: .*$", re.MULTILINE)
TO = re.compile(rb"^To: .*$", re.MULTILINE)
HEADINGS = ("floor s", "ours s", "ratio", "statements/message", "MiB at 1/4", "MiB peak")


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of both, and of ours statements a message and peak MiB after 1/4 and after all."""

    floor: float
    ours: float
    ratio: float
    statements: float
    quarter_mib: float
    peak_mib: float


def median(rounds: list[Round]) -> Round:
    """Each figure's own; so `ratio` is the median of ratios, not a ratio of medians."""
    names = [field.name for field in fields(Round)]
    return Round(**{n: statistics.median(getattr(each, n) for each in rounds) for n in names})


def child(script: str, *words: str, **environment: str) -> Any:
    """The JSON of the last line that the script prints."""
    output = subprocess.run(
        [sys.executable, f"benchmarks/{script}.py", *words],
        cwd=ROOT,
        env={**os.environ, "LOG_LEVEL": "WARNING", **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return json.loads(output.splitlines()[-1])


def fill(dovecot: Dovecot, user: str, messages: Iterator[bytes]) -> None:
    """As a local delivery does: files in the Maildir, with LF line ends."""
    maildir = dovecot.folder / "mail" / user.partition("@")[0] / "Maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number, content in enumerate(messages):
        path = maildir / "new" / f"{1_700_000_000 + number}.M{number}P1.bench"
        path.write_bytes(content.replace(b"\r\n", b"\n"))
    for path in (maildir.parent, *maildir.parent.rglob("*")):
        shutil.chown(path, "mail", "mail")


def addressed(corpus: Path, people: list[list[str]]) -> Iterator[bytes]:
    """Each message from one of the people, to that person's reply address."""
    for number, path in enumerate(sorted(corpus.iterdir())):
        sender, address = (text.encode() for text in people[number % len(people)])
        head, separator, body = path.read_bytes().partition(b"\r\n\r\n")
        head = FROM.sub(b"From: <" + sender + b">\r", head, count=1)
        head = TO.sub(b"To: <" + address + b">\r", head, count=1)
        yield head + separator + body


@contextmanager
def corpus_of(count: int) -> Iterator[Path]:
    """A folder with the messages. In memory here they would count as a child's peak there.

    Linux carries the highest RSS over fork and exec, so this process must stay small.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number, (_kind, content) in enumerate(build(count, SEED)):
            (Path(folder) / f"{number:06}.eml").write_bytes(content)
        yield Path(folder)


@contextmanager
def fresh_databases(kind: str) -> Iterator[Iterator[str]]:
    """URLs of empty databases, as many as are asked for."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield (f"sqlite:///{folder}/{number}.sqlite3" for number in range(1000))
    else:
        with running_postgresql() as url:
            yield created(url)


def created(server: str) -> Iterator[str]:
    import psycopg  # noqa: PLC0415  (only where PostgreSQL is measured)

    for number in range(1000):
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"create database round{number}")
        yield server.replace("/postgres", f"/round{number}")


def measure(dovecot: Dovecot, corpus: Path, urls: Iterator[str]) -> Round:
    """One round: the floor, then ours, on the same messages."""
    count = len(list(corpus.iterdir()))
    floor_user, user = dovecot.take_user(), dovecot.take_user()
    with tempfile.TemporaryDirectory() as data:
        environment = {"DATABASE_URL": next(urls), "DATA_DIR": data}
        people = child("ours", "prepare", str(dovecot.port), user, password_of(user), **environment)
        fill(dovecot, floor_user, addressed(corpus, people))
        floor = child("floors", str(dovecot.port), floor_user, password_of(floor_user), next(urls))
        fill(dovecot, user, addressed(corpus, people))
        ours = child("ours", "run", str(count), **environment)
    done = {floor["messages"], ours["messages"], ours["notes"], ours["processed"]}
    if done != {count}:
        raise SystemExit(f"not every message became a note, so nothing is measured: {floor} {ours}")
    return Round(
        floor=floor["seconds"],
        ours=ours["seconds"],
        ratio=ours["seconds"] / floor["seconds"],
        statements=ours["statements"] / count,
        quarter_mib=ours["quarter_mib"],
        peak_mib=ours["peak_mib"],
    )


def has_postgresql() -> bool:
    found = shutil.which("pg_ctl") or any(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return bool(found)


def chosen_kinds(database: str) -> list[str]:
    """What to measure on; "both" leaves out PostgreSQL where it is not installed."""
    if database != "both":
        return [database]
    if has_postgresql():
        return ["sqlite", "postgresql"]
    print("PostgreSQL is not installed: SQLite alone is measured", file=sys.stderr)
    return ["sqlite"]


def show(kind: str, rounds: list[Round], *, as_json: bool) -> None:
    middle = asdict(median(rounds))
    if as_json:
        every = [asdict(each) for each in rounds]
        print(json.dumps({"database": kind, "median": middle, "rounds": every}), flush=True)
        return
    figures = [f"{n:{len(name)}.2f}" for name, n in zip(HEADINGS, middle.values(), strict=True)]
    ratios = " ".join(f"{each.ratio:.2f}" for each in rounds)
    print(f"{kind:10}", *figures, f"({ratios})", sep="  ", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument(
        "--json", action="store_true", help="one object a database, with each round"
    )
    options = parser.parse_args()
    if not options.json:
        print(f"{'database':10}", *HEADINGS, "(ratio of each round)", sep="  ")
    with corpus_of(options.messages) as corpus:
        for kind in chosen_kinds(options.database):
            with Dovecot() as dovecot, fresh_databases(kind) as urls:
                rounds = [measure(dovecot, corpus, urls) for _ in range(options.rounds)]
            show(kind, rounds, as_json=options.json)


if __name__ == "__main__":
    main()
