"""Letterbox in a folder of its own, run by the same commands that people use."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.migrated import find_migrated

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = "from incoming_email.models import *; from issues.models import *; "
WORKER = ("-m", "celery", "--quiet", "-A", "config", "worker")
WATCHER_BY_IDLE = (
    "-c",
    "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup();"
    "from django.core.management import call_command; from incoming_email.pipeline import watching;"
    "from incoming_email.inboxes.imap import waiting;"
    "watching.LISTEN_SECONDS = waiting.NOOP_SECONDS = 3600.0;"
    "call_command('watch_mailboxes')",
)
"""As `manage.py watch_mailboxes`, but it asks no server of itself: what it hears, it was told."""
BEAT = ("-m", "celery", "--quiet", "-A", "config", "beat", "--pidfile=")
STOP_SECONDS = 20
NO_LIMITS = dict.fromkeys(
    ("SENDER_LIMIT_PER_HOUR", "TOKEN_LIMIT_PER_HOUR", "PROJECT_LIMIT_PER_HOUR"), "1000000000"
)
"""Settings for mail by the thousand from one person."""


class Installation:
    """Child processes on one data folder with SQLite."""

    def __init__(self, folder: Path, **settings: str) -> None:
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
        self.folder = folder
        kept["DJANGO_SETTINGS_MODULE"] = "config.settings"
        self.environment = {**kept, "DATA_DIR": str(folder), **settings}

    def set_up(self) -> None:
        """With the data of the demo. SQLite begins with a copy, which has most tables."""
        if "DATABASE_URL" not in self.environment:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(find_migrated(), self.folder / "db.sqlite3")
        self.manage("migrate", "--verbosity", "0")
        self.manage("seed_demo")

    def manage(self, *words: str, check: bool = True) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=check,
        ).stdout

    def start(self, *words: str, log: Path | None = None) -> "subprocess.Popen[bytes]":
        """What it says is added to the log."""
        with (log or Path(os.devnull)).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    def start_line(self, line: str, *, log: Path) -> "subprocess.Popen[bytes]":
        """A line of the Procfile as honcho runs it: by a shell that finds our programs."""
        path = f"{Path(sys.executable).parent}:{self.environment['PATH']}"
        with log.open("ab") as output:
            return subprocess.Popen(
                ["sh", "-c", f"exec {line}"],
                cwd=ROOT,
                env={**self.environment, "PATH": path},
                stdout=output,
                stderr=output,
            )

    @contextmanager
    def running_lines(
        self, lines: Mapping[str, str], *, log: Path
    ) -> "Iterator[dict[str, subprocess.Popen[bytes]]]":
        """The processes by name; all get SIGTERM at the end, and SIGKILL when they stay."""
        started = {name: self.start_line(line, log=log) for name, line in lines.items()}
        try:
            yield started
        finally:
            for process in started.values():
                process.terminate()
            for process in started.values():
                end(process)

    @contextmanager
    def running_all(self, commands: Iterable[tuple[str, ...]], *, log: Path) -> Iterator[None]:
        with ExitStack() as stack:
            for words in commands:
                stack.enter_context(self.running(*words, log=log))
            yield

    @contextmanager
    def running(self, *words: str, log: Path | None = None) -> "Iterator[subprocess.Popen[bytes]]":
        process = self.start(*words, log=log)
        try:
            yield process
        finally:
            process.terminate()
            end(process)

    def ask(self, code: str) -> str:
        """What the code prints; all models are there."""
        return self.manage("shell", "--no-imports", "-c", MODELS + code).strip()

    def query(self, sql: str) -> Any:
        """The first value, straight from the database file."""
        with sqlite3.connect(f"file:{self.folder / 'db.sqlite3'}?mode=ro", uri=True) as connection:
            return connection.execute(sql).fetchone()[0]


def end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for what was told to stop; SIGKILL when it stays."""
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
