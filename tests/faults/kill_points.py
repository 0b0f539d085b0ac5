"""Counts the points at which a process could die: each statement to the database, each call that
others can see. Ends the process by SIGKILL at a chosen one.
"""

import builtins
import io
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from tests.servers.processes import find_descendants

ROOT = Path(__file__).resolve().parents[2]
OURS = tuple(f"{ROOT}/{name}/" for name in ("config", "incoming_email", "issues", "servicedesk"))
SHOWN_FRAMES = 6
SHOWN_LETTERS = 160
TAG = re.compile(r"^b?['\"][A-P]{4}\d+ ")
"""Before each command of imaplib, and another one for each connection."""

WRITING = set("wax+")
SENT_RECORDED = ("issues_outgoingemail", "sent_at")
END_OF_DATA = r"\r\n.\r\n'"
LONGEST_WORK_SECONDS = 0.01
"""What a `git` of these journeys takes."""


@dataclass(frozen=True, slots=True)
class Point:
    """`kind`: sql, file, socket or program."""

    kind: str
    what: str
    stack: tuple[str, ...] = ()
    is_open_end: bool = False
    """Between the end of a mail's text and the statement that it is sent: nobody can know whether
    the server has it."""


@dataclass
class Recorder:
    """Numbers begin with 1. `die_at` 0: nobody dies, and each point is kept with its stack."""

    folder: Path
    """Files elsewhere are not counted."""

    grave: Path
    """Where the point is written at which the process dies: on a busy machine a run may have other
    points than the one before it."""

    die_at: int = 0
    points: list[Point] = field(default_factory=list)
    _count: int = 0
    _is_open: bool = False
    _lock: Any = field(default_factory=threading.Lock)

    def reach(self, kind: str, what: str) -> None:
        what = what[:SHOWN_LETTERS]
        with self._lock:
            self._count += 1
            if kind == "socket" and what.startswith("after") and END_OF_DATA in what:
                self._is_open = True
            if self.die_at in {0, self._count}:
                self.points.append(Point(kind, what, _find_stack(), self._is_open))
            if self._count == self.die_at:
                self._write_grave()
                die_with_children()
            if kind == "sql" and all(word in what for word in SENT_RECORDED):
                self._is_open = False

    def _write_grave(self) -> None:
        """By calls that are not counted."""
        descriptor = os.open(self.grave, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, json.dumps(asdict(self.points[-1])).encode())
        os.close(descriptor)

    def install(self) -> None:
        """For the rest of this process, before it connects to the database."""
        connection_created.connect(self._watch, weak=False)
        commit = BaseDatabaseWrapper._commit

        def commit_counted(connection: BaseDatabaseWrapper) -> Any:
            if connection.connection is not None:
                self.reach("sql", "COMMIT")
            return commit(connection)

        BaseDatabaseWrapper._commit = commit_counted  # type: ignore[method-assign]
        self._install_files()
        for owner, name in (
            *((socket.socket, name) for name in ("connect", "send", "sendall")),
            (ssl.SSLSocket, "send"),
        ):
            self._wrap(owner, name, "socket", partial(_describe_send, name))
        self._wrap(subprocess.Popen, "__init__", "program", _describe_program)
        self._wrap_wait()

    def _watch(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if self._count_statement not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._count_statement)

    def _count_statement(self, execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        self.reach("sql", str(sql))
        return execute(sql, *more)

    def _install_files(self) -> None:
        opened = partial(self._describe_open)
        for owner in (builtins, io):
            self._wrap(owner, "open", "file", opened)
        for name in ("rename", "replace", "unlink", "remove", "rmdir", "mkdir"):
            self._wrap(os, name, "file", partial(self._describe_path, name))
        self._wrap(os, "fsync", "file", lambda _descriptor: "fsync")

    def _describe_open(self, file: Any, mode: str = "r", *_: Any, **__: Any) -> str | None:
        if isinstance(file, int) or not WRITING & set(mode):
            return None
        return self._describe_path("open", file)

    def _describe_path(self, name: str, path: Any, *_: Any, **more: Any) -> str | None:
        """Within a folder that is opened, a path is a name alone."""
        text = os.fsdecode(path)
        is_ours = more.get("dir_fd") is not None or text.startswith(str(self.folder))
        return f"{name} {text.removeprefix(str(self.folder))}" if is_ours else None

    def _wrap(self, owner: Any, name: str, kind: str, describe: Callable[..., str | None]) -> None:
        """A point before and one after each call that has a description."""
        real = getattr(owner, name)

        def call(*words: Any, **named: Any) -> Any:
            what = describe(*words, **named)
            if what is None:
                return real(*words, **named)
            self.reach(kind, f"before {what}")
            result = real(*words, **named)
            self.reach(kind, f"after {what}")
            return result

        setattr(owner, name, call)

    def _wrap_wait(self) -> None:
        wait = subprocess.Popen.wait

        def call(process: Any, *words: Any, **named: Any) -> Any:
            has_ended = process.returncode is not None
            code = wait(process, *words, **named)
            if not has_ended:
                self.reach("program", f"ended {_name_program(process.args)}")
            return code

        subprocess.Popen.wait = call  # type: ignore[method-assign]


def die_with_children() -> None:
    """As when a service is killed: a program that was started dies with us, at its start or in the
    midst of its work."""
    if children := find_descendants(os.getpid()):
        time.sleep(random.uniform(0, LONGEST_WORK_SECONDS))
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _describe_send(name: str, connection: socket.socket, data: Any, *_: Any) -> str | None:
    """Sockets of the machine itself are the harness's, and asyncio's to wake itself."""
    if connection.family == socket.AF_UNIX:
        return None
    if name == "connect":
        return "connect"
    content = bytes(data)
    text = content[:60] if len(content) <= SHOWN_LETTERS else content[:40] + b"..." + content[-12:]
    return f"{name} {TAG.sub('', repr(text))}"


def _describe_program(_process: Any, words: Any, *_: Any, **__: Any) -> str:
    return _name_program(words)


def _name_program(words: Any) -> str:
    """Of git the command alone, behind its options."""
    if words[0] != "git":
        return str(words[0])
    is_value = False
    for word in words[1:]:
        if not is_value and not word.startswith("-"):
            return f"git {word}"
        is_value = word == "-c"
    return "git"


def _find_stack() -> tuple[str, ...]:
    """Of our code alone, the innermost first."""
    frames = [
        each for each in reversed(traceback.extract_stack()) if each.filename.startswith(OURS)
    ]
    return tuple(
        f"{each.filename.removeprefix(f'{ROOT}/')}:{each.lineno} {each.name}"
        for each in frames[:SHOWN_FRAMES]
    )
