"""From Dovecot to notes and ledger rows, as a ratio to the floor of the same run.

    python benchmarks/throughput.py [--messages 2000] [--rounds 3] [--database both]

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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from make_corpus import build  # noqa: E402

from tests.servers.dovecot import Dovecot, password_of  # noqa: E402
from tests.servers.postgresql import running_postgresql  # noqa: E402

SEED = 20261125
FROM = re.compile(rb"^From: .*$", re.MULTILINE)
TO = re.compile(rb"^To: .*$", re.MULTILINE)


def child(script: str, *words: str, **environment: str) -> dict | list:
    output = subprocess.run(
        [sys.executable, f"benchmarks/{script}.py", *words],
        cwd=ROOT,
        env={**os.environ, "LOG_LEVEL": "WARNING", **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return json.loads(output.splitlines()[-1])


def fill(dovecot: Dovecot, user: str, messages: list[bytes]) -> None:
    """As a local delivery does: files in the Maildir, with LF line ends."""
    maildir = dovecot.folder / "mail" / user.partition("@")[0] / "Maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number, content in enumerate(messages):
        (maildir / "new" / f"{1_700_000_000 + number}.M{number}P1.bench").write_bytes(
            content.replace(b"\r\n", b"\n")
        )
    for path in (maildir.parent, *maildir.parent.rglob("*")):
        shutil.chown(path, "mail", "mail")


def addressed(corpus: list[bytes], people: list) -> list[bytes]:
    """Each message from one of the people, to that person's reply address."""
    made = []
    for number, content in enumerate(corpus):
        sender, address = (text.encode() for text in people[number % len(people)])
        head, separator, body = content.partition(b"\r\n\r\n")
        head = FROM.sub(b"From: <" + sender + b">\r", head, count=1)
        head = TO.sub(b"To: <" + address + b">\r", head, count=1)
        made.append(head + separator + body)
    return made


@contextmanager
def databases(kind: str) -> Iterator[Iterator[str]]:
    """URLs of fresh databases, as many as are asked for."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield (f"sqlite:///{folder}/{number}.sqlite3" for number in range(1000))
        return
    with running_postgresql() as url:

        def fresh() -> Iterator[str]:
            import psycopg  # noqa: PLC0415

            for number in range(1000):
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(f"create database round{number}")
                yield url.replace("/postgres", f"/round{number}")

        yield fresh()


def measure(dovecot: Dovecot, corpus: list[bytes], url: str, floor_url: str) -> dict:
    """One round: the floor, then ours."""
    user = dovecot.take_user()
    fill(dovecot, user, corpus)
    floor = child("floor", str(dovecot.port), user, password_of(user), floor_url)
    user = dovecot.take_user()
    with tempfile.TemporaryDirectory() as data:
        environment = {"DATABASE_URL": url, "DATA_DIR": data}
        people = child("ours", "prepare", str(dovecot.port), user, password_of(user), **environment)
        fill(dovecot, user, addressed(corpus, people))
        ours = child("ours", "run", str(len(corpus)), **environment)
    assert floor["messages"] == ours["messages"] == ours["notes"] == len(corpus), (floor, ours)
    return {
        "floor": floor["seconds"],
        "ours": ours["seconds"],
        "ratio": ours["seconds"] / floor["seconds"],
        "statements": ours["statements"] / len(corpus),
        "quarter_mib": ours["quarter_mib"],
        "peak_mib": ours["peak_mib"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args()
    corpus = [content for _kind, content in build(options.messages, SEED)]
    kinds = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    print("database    floor s  ours s  ratio  statements/message  MiB at a quarter  MiB peak")
    for kind in kinds:
        with Dovecot() as dovecot, databases(kind) as urls:
            rounds = [
                measure(dovecot, corpus, next(urls), next(urls)) for _ in range(options.rounds)
            ]
        shown = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
        print(
            f"{kind:10} {shown['floor']:8.2f} {shown['ours']:7.2f} {shown['ratio']:6.2f}"
            f" {shown['statements']:19.2f} {shown['quarter_mib']:17.0f} {shown['peak_mib']:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
