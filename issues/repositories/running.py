"""The one place that runs `git`: no shell, no configuration but ours, limits on time and size."""

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

CHUNK = 65_536
OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    # A symbolic link is written as a plain file, so nothing can be written through one.
    "core.symlinks=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.fsyncMethod=batch",
    "core.logAllRefUpdates=false",
    # Small windows, so that a limit on memory is none on the size of a repository.
    "core.packedGitWindowSize=32m",
    "core.packedGitLimit=256m",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "advice.detachedHead=false",
)
OBJECTS = "core.fsync=committed,loose-object"
"""What a committed row points to must survive a power cut."""

ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PAGER": "cat",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "TZ": "UTC",
}


class GitError(Exception):
    """git failed. `answer` holds its output; only the caller knows what it means."""

    def __init__(self, command: str, answer: "Answer") -> None:
        super().__init__(f"git {command} ended with {answer.code}: {answer.messages[-500:]}")
        self.answer = answer


class GitStopped(Exception):
    """git was killed, since it took too long or wrote too much."""


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    """Negative: the signal that ended it."""

    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace").strip()

    @property
    def messages(self) -> str:
        """All of git's messages for people."""
        return (self.err + b"\n" + self.out).decode(errors="replace").strip()


@dataclass(frozen=True, slots=True)
class Git:
    """A repository, and what every command in it is given."""

    directory: Path
    worktree: Path | None = None
    syncs_refs: bool = True
    """False where a ref may be lost in a power cut: in a workplace, or if a row can restore it."""

    is_import: bool = False
    """What an administrator names may be read, with no limit; nothing ever reads from a network."""

    def run(
        self,
        command: str,
        *words: str,
        given: bytes = b"",
        variables: Mapping[str, str] | None = None,
        accepted: tuple[int, ...] = (0,),
    ) -> Answer:
        """Raises GitError for another exit code than those accepted, GitStopped at a limit."""
        synced = f"{OBJECTS},reference" if self.syncs_refs else OBJECTS
        options = [word for option in (*OPTIONS, synced) for word in ("-c", option)]
        files = "user" if self.is_import else "never"
        options += ["-c", "protocol.allow=never", "-c", f"protocol.file.allow={files}"]
        location = [f"--git-dir={self.directory}"]
        if self.worktree is not None:
            location.append(f"--work-tree={self.worktree}")
        process = subprocess.Popen(  # noqa: S603  (a list of words: no shell reads them)
            ["git", *options, *location, command, *words],  # noqa: S607
            cwd=self.worktree or self.directory.parent,
            env={"PATH": os.environ.get("PATH", os.defpath), **ENVIRONMENT, **(variables or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with process:
            answer = _Talk(process, given, is_limited=not self.is_import).finish()
        if answer.code not in accepted:
            raise GitError(command, answer)
        return answer


class _Talk:
    """Writes and reads at once, so that neither side waits for the other; ends at a limit."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", given: bytes, *, is_limited: bool
    ) -> None:
        self.process = process
        self.left = memoryview(given)
        self.said: dict[int, list[bytes]] = {}
        self.size = 0
        self.most: float = settings.MAX_GIT_OUTPUT_BYTES
        self.deadline: float = time.monotonic() + settings.GIT_TIMEOUT_SECONDS
        if is_limited:
            _limit(process.pid)
        else:
            self.most = self.deadline = float("inf")

    def finish(self) -> Answer:
        try:
            with selectors.DefaultSelector() as selector:
                out, err = self._register(selector)
                while selector.get_map():
                    for key, _events in selector.select(self._remaining()):
                        self._go_on(selector, key)
            self.process.wait(self._remaining())
        except BaseException as cause:
            _kill(self.process)
            if isinstance(cause, subprocess.TimeoutExpired):
                raise GitStopped("git was stopped after GIT_TIMEOUT_SECONDS") from None
            raise
        return Answer(self.process.returncode, b"".join(self.said[out]), b"".join(self.said[err]))

    def _register(self, selector: selectors.BaseSelector) -> tuple[int, int]:
        out, err = self.process.stdout, self.process.stderr
        assert self.process.stdin is not None  # noqa: S101  (all three are pipes)
        assert out is not None  # noqa: S101
        assert err is not None  # noqa: S101
        os.set_blocking(self.process.stdin.fileno(), False)
        selector.register(self.process.stdin.fileno(), selectors.EVENT_WRITE, self.process.stdin)
        for pipe in (out, err):
            selector.register(pipe.fileno(), selectors.EVENT_READ, pipe)
            self.said[pipe.fileno()] = []
        return out.fileno(), err.fileno()

    def _remaining(self) -> float | None:
        if self.deadline == float("inf"):
            return None
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise GitStopped("git was stopped after GIT_TIMEOUT_SECONDS")
        return remaining

    def _go_on(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        is_open = self._read(key.fd) if key.fd in self.said else self._write(key.fd)
        if not is_open:
            selector.unregister(key.fd)
            key.data.close()

    def _read(self, pipe: int) -> bool:
        chunk = os.read(pipe, CHUNK)
        self.said[pipe].append(chunk)
        self.size += len(chunk)
        if self.size > self.most:
            raise GitStopped("git was stopped, since it said more than MAX_GIT_OUTPUT_BYTES")
        return bool(chunk)

    def _write(self, pipe: int) -> bool:
        try:
            self.left = self.left[os.write(pipe, self.left[:CHUNK]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:  # it ended early; its answer gives the reason
            return False
        return bool(self.left)


def _limit(pid: int) -> None:
    """Before it is given a byte of input: a small patch can unpack to a huge file."""
    if not hasattr(resource, "prlimit"):  # only Linux has it
        return
    for kind, most in (
        (resource.RLIMIT_AS, settings.MAX_GIT_MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, settings.MAX_GIT_FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ProcessLookupError, PermissionError):  # it has ended, or ours is lower still
            resource.prlimit(pid, kind, (most, most))


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """The whole session: git starts programs of its own."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
