"""Command blocks of docs/deploying.md, run as they are, in a folder that stands for `/`."""

import fnmatch
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.deploy.machine import Machine
from tests.deploy.reading import DEPLOY, ROOT

PLACES = re.compile(r"(?<![\w.:/])/(?:opt|etc|var/lib)\b")
OF_THIS_CHECKOUT = (".git", ".venv", "var", ".env", "secrets", "compose.env", "secret.env")
"""At the top and in deploy/: history, packages, data and secrets of whoever runs the tests."""
PYTHON = """\
#!{ours}
# The system's Python, for which pip installs what this machine has already.
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.deploy.packages import make_venv
words = sys.argv[1:]
if words[:2] != ["-m", "venv"]:
    os.execv({python!r}, [{python!r}, *words])
folder = Path.cwd() / words[2]
if not (folder / "bin" / "pip").exists():
    programs = make_venv(folder, python={python!r})
    (programs / "pip").write_text("#!/bin/sh\\ntest \\"$*\\" = 'install -r requirements.txt'\\n")
    (programs / "pip").chmod(0o755)
"""
NOTED = '#!/bin/sh\necho "$(basename "$0") $*" >> {log}\n'
RUNUSER = '#!/bin/sh\ntest "$1 $3" = "-u --" && shift 3 && exec {become} "$@"\n'


def copy_checkout(folder: Path) -> Path:
    """The project as a fresh checkout has it."""

    def leave_behind(of: str, names: list[str]) -> set[str]:
        made = fnmatch.filter(names, "__pycache__") + fnmatch.filter(names, ".*_cache")
        is_private = Path(of) == ROOT or DEPLOY in (Path(of), *Path(of).parents)
        return {*made, ".hypothesis", *(OF_THIS_CHECKOUT if is_private else ())}

    return Path(shutil.copytree(ROOT, folder, ignore=leave_behind))


class Host:
    """A machine with systemd, as far as its files and the commands of the recipe go."""

    def __init__(self, folder: Path, *, user: int | None, python: str) -> None:
        self.folder = folder
        self.user = user
        # As Debian 12 has them.
        for name in ("etc/systemd/system", "opt", "var/lib", "programs"):
            (folder / name).mkdir(parents=True)
        become = "" if user is None else f"setpriv --reuid {user} --regid {user} --clear-groups"
        paths = {"ours": sys.executable, "root": str(ROOT), "python": python}
        self._add("python3", PYTHON.format(**paths))
        self._add("runuser", RUNUSER.format(become=become))
        for name in ("systemctl", "systemd-sysusers"):
            self._add(name, NOTED.format(log=folder / "asked"))

    def _add(self, name: str, text: str) -> None:
        program = self.folder / "programs" / name
        program.write_text(text)
        program.chmod(0o755)

    def at(self, path: str) -> str:
        """Where something of that machine is."""
        return PLACES.sub(lambda found: f"{self.folder}{found[0]}", path)

    def path(self, path: str) -> Path:
        return Path(self.at(path))

    def asked(self) -> list[str]:
        """What systemd was asked for."""
        return (self.folder / "asked").read_text().splitlines()

    def follow(self, block: str, *, inside: Path) -> str:
        """As root, whose umask may be a strict one; every command has to succeed, those before an
        `&&` as well, where the shell would let a failure pass."""
        path = f"{self.folder / 'programs'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin"
        done = subprocess.run(
            ["sh", "-euc", self.at(block.replace(" && ", "\n"))],
            cwd=inside,
            env={"PATH": path, "HOME": "/root"},
            umask=0o077,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def machine_of(self, unit: str) -> tuple[Machine, Sequence[str]]:
        """What systemd makes of the installed unit: where, how and as whom its command runs."""
        units = self.path("/etc/systemd/system/")
        own = _read_settings(
            units / f"letterbox-{unit}.service", units / "letterbox-.service.d" / "common.conf"
        )
        environment = dict(pair.split("=", 1) for pair in own["Environment"].split())
        environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
        settings = self.path(own["EnvironmentFile"].removeprefix("-"))
        given = re.findall(r"(?m)^([A-Z_]+)=(.*)$", settings.read_text())
        environment = {name: self.at(value) for name, value in environment.items()}
        environment |= {name: value.strip('"') for name, value in given}
        state = self.path("/var/lib/" + own["StateDirectory"])
        state.mkdir(mode=int(own["StateDirectoryMode"], 8), exist_ok=True)
        if self.user is not None:
            shutil.chown(state, self.user, self.user)
        where = self.path(own["WorkingDirectory"])
        umask = int(own["UMask"], 8)
        machine = Machine(where, environment, self.user, self.folder / "log", umask)
        return machine, self.at(own["ExecStart"]).replace("%%", "%").split()


def _read_settings(*paths: Path) -> dict[str, str]:
    """The last value of each name, but all lines of Environment (systemd.exec, "Environment=")."""
    found: dict[str, str] = {}
    for path in paths:
        for name, value in re.findall(r"(?m)^([A-Za-z]+)=(.*)$", path.read_text()):
            before = found.get(name, "") if name == "Environment" else ""
            found[name] = f"{before} {value}".strip()
    return found
