"""A developer's clone of a project's repository, where patches are made by the real git."""

import os
import re
import subprocess
from pathlib import Path

from django.utils import timezone

from issues import repositories
from tests.factories import UserFactory

ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Jörg Müller",
    "GIT_AUTHOR_EMAIL": "joerg@example.com",
    "GIT_AUTHOR_DATE": "2026-11-24T10:00:00+0100",
    "GIT_COMMITTER_NAME": "Jörg Müller",
    "GIT_COMMITTER_EMAIL": "joerg@example.com",
}
ID_OF_GIT = re.compile(rb"\.(\d{10})\.git\.")
DOOR = "".join(f"hinge {number}\n" for number in range(1, 31)).encode()


_calls = iter(range(1, 10**9))


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **ENVIRONMENT},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="surrogateescape")


def plant(project, files=None):
    """The project's first commit."""
    return repositories.plant_commit(
        project,
        author=UserFactory(),
        message="First",
        files={"door.txt": DOOR, "docs/readme.md": b"# Doors\n"} if files is None else files,
        now=timezone.now(),
    )


class Clone:
    def __init__(self, project, folder: Path) -> None:
        self.origin = repositories.path_of(project)
        self.folder = folder
        folder.mkdir()
        git(folder, "clone", "--quiet", str(self.origin), ".")

    def git(self, *words: str) -> str:
        return git(self.folder, *words)

    def write(self, path: str, content: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def commit(self, message: str, **files: bytes) -> str:
        """`door_txt=b"…"` is the file `door.txt`."""
        for name, content in files.items():
            self.write(name.replace("_", "."), content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def oil(self, number: int, message: str = "") -> str:
        """One line of the door changes."""
        door = (self.folder / "door.txt").read_text().splitlines()
        door[number - 1] = f"hinge {number}, oiled"
        return self.commit(
            message or f"Oil the hinge {number}", door_txt=("\n".join(door) + "\n").encode()
        )

    def patches(self, *words: str, since: str = "origin/HEAD") -> list[bytes]:
        """One file a commit, by name."""
        out = self.folder / ".git" / "out"
        self.git("format-patch", "--quiet", "--output-directory", str(out), *words, since)
        files = sorted(out.iterdir())
        call = next(_calls)
        # The ids hold the second: two calls within one would give two series the same ids.
        contents = [ID_OF_GIT.sub(rb".\1-%d.git." % call, file.read_bytes()) for file in files]
        for file in files:
            file.unlink()
        return contents

    def fetched(self, commit: str) -> str:
        """The commit of the project's repository, so that the two can be compared."""
        self.git("fetch", "--quiet", str(self.origin), "+refs/*:refs/theirs/*")
        return commit


def log_of(folder: Path, start: str, head: str) -> str:
    """Authors, dates and messages."""
    return git(folder, "log", "--reverse", "--format=%an|%ae|%ad|%B", f"{start}..{head}")
