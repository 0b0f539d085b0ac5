"""A container of the image, without Docker: its files, ENV, user, and commands as they stand."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.copying import make_image
from tests.deploy.machine import Machine, open_folder, read_only
from tests.deploy.packages import find_python, find_user, make_venv
from tests.deploy.reading import read_image
from tests.servers.dovecot import free_ports

PATH_OF_BASE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""As the official Python images have it."""

MOUNTED = re.compile(r"(?<![\w.:/-])/(?:venv|data|app|run/secrets)\b")
"""Places of a container; here they lie below one folder."""


@dataclass(frozen=True)
class Container:
    """What the containers of one installation share, and where their addresses lead to here."""

    folder: Path
    """Stands for `/`."""

    machine: Machine
    web: int
    listener: int
    nobody: int
    """A port that nobody listens at: what a container finds where another one has its listener."""

    hosts: Mapping[str, str] = field(default_factory=dict)
    """Servers of others, such as `redis:6379`, and where they are."""

    def localize(self, text: str) -> str:
        text = _localize(self.folder, text)
        for host, here in self.hosts.items():
            text = text.replace(host, here)
        text = re.sub(r"\b(web|localhost|0\.0\.0\.0):8000\b", f"127.0.0.1:{self.web}", text)
        return re.sub(r"\b2525\b", str(self.listener), text)

    def localize_all(self, command: Sequence[str]) -> list[str]:
        return [self.localize(word) for word in command]

    def machine_of(self, process: str, settings: Mapping[str, str]) -> Machine:
        """The container of this process. Only the listener's listens on ports of its own."""
        port = self.listener if process == "listener" else self.nobody
        given = {name: self.localize(value) for name, value in settings.items()}
        environment = {**self.machine.environment, "SMTP_LISTENER_PORT": str(port), **given}
        return self.machine.within(environment)


def _localize(folder: Path, text: str) -> str:
    return MOUNTED.sub(lambda found: f"{folder}{found[0]}", text)


def read_env() -> dict[str, str]:
    pairs = [pair for word, rest in read_image() if word == "ENV" for pair in shlex.split(rest)]
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def read_words(instruction: str) -> list[str]:
    """Of CMD, or of HEALTHCHECK behind its options."""
    (rest,) = [rest for word, rest in read_image() if word == instruction]
    return [str(word) for word in json.loads(rest[rest.index("[") :])]


def read_steps(program: str) -> list[list[str]]:
    """RUN instructions of this program; those that install packages are not for this machine."""
    steps = [shlex.split(rest) for word, rest in read_image() if word == "RUN"]
    return [words for words in steps if words[0] == program]


def read_user() -> int:
    (user,) = [rest.partition(":")[0] for word, rest in read_image() if word == "USER"]
    return int(user)


@contextmanager
def open_image(*needed: str) -> Iterator[Container]:
    """With an empty volume for its data. No process runs yet. `needed`: modules that will be."""
    with open_folder() as folder:
        app = make_image(folder)
        user = find_user(read_user(), *needed)
        python = find_python(user, *needed)
        assert python is not None
        make_venv(folder / "venv", python=python)
        data = folder / "data"
        data.mkdir(mode=0o750)
        if user is not None:
            shutil.chown(data, user, user)
        environment = {
            name: _localize(folder, value.replace("$PATH", PATH_OF_BASE))
            for name, value in read_env().items()
        }
        machine = Machine(app, {**environment, "HOME": str(data)}, user, folder / "log")
        for command in read_steps("python"):
            machine.built_by_root().say([_localize(folder, word) for word in command])
        with read_only(app):
            yield Container(folder, machine, *free_ports(3))
