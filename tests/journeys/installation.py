"""Letterbox in a folder of its own, run by the same commands that people use."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = "from incoming_email.models import *; from issues.models import *; "
WORKER = ("-m", "celery", "--quiet", "-A", "config", "worker", "--pool", "threads", "-c", "2")
WATCHER_BY_IDLE = (
    "-c",
    "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup();"
    "from django.core.management import call_command; from incoming_email import watching;"
    "from incoming_email.inboxes import imap;"
    "watching.LISTEN_SECONDS = imap.NOOP_SECONDS = 3600.0;"
    "call_command('watch_mailboxes')",
)
"""As `manage.py watch_mailboxes`, but it asks no server of itself: what it hears, it was told."""
BEAT = ("-m", "celery", "--quiet", "-A", "config", "beat", "--pidfile=")


class Installation:
    """Child processes on one data folder with SQLite."""

    def __init__(self, folder: Path, **settings: str) -> None:
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
        self.folder = folder
        self.environment = {**kept, "DATA_DIR": str(folder), **settings}

    def set_up(self) -> None:
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
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, code: str) -> str:
        """What the code prints; all models are there."""
        return self.manage("shell", "--no-imports", "-c", MODELS + code).strip()

    def query(self, sql: str) -> Any:
        """The first value, straight from the database file."""
        with sqlite3.connect(f"file:{self.folder / 'db.sqlite3'}?mode=ro", uri=True) as connection:
            return connection.execute(sql).fetchone()[0]
