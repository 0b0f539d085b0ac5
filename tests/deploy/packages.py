"""A virtual environment with the packages of requirements.in and no other, without a network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.deploy.reading import ROOT

SCRIPT = "#!{python}\nimport sys\nfrom {module} import {name}\nsys.exit({name}())\n"


def make_venv(folder: Path, *, python: str) -> Path:
    """As `python -m venv` and `pip install -r requirements.txt` do; returns its `bin`."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    install_packages(folder)
    return folder / "bin"


def install_packages(folder: Path) -> None:
    """The pinned packages, linked to where this test's own interpreter has them."""
    (site,) = folder.glob("lib/python3*/site-packages")
    for installed in _find_pinned(folder / "bin" / "python"):
        for path in sorted(_tops_of(installed)):
            target = site / path
            if not target.exists():
                target.symlink_to(Path(str(installed.locate_file(path))).resolve())
        for entry in installed.entry_points.select(group="console_scripts"):
            script = folder / "bin" / entry.name
            python = folder / "bin" / "python"
            text = SCRIPT.format(python=python, module=entry.module, name=entry.attr)
            script.write_text(text)
            script.chmod(0o755)


def _find_pinned(python: Path) -> Iterator[Distribution]:
    """Those that pip would choose for this interpreter."""
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    for line in (ROOT / "requirements.in").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pin = Requirement(line)
        if pin.marker is None:
            yield distribution(pin.name)
        elif pin.marker.evaluate({"python_full_version": version}):
            # Ours may be another version, which does without; `find_python` asks what is needed.
            with suppress(PackageNotFoundError):
                yield distribution(pin.name)


def _tops_of(installed: Distribution) -> set[str]:
    """Modules, folders and metadata; what lies outside of site-packages are scripts."""
    tops = {file.parts[0] for file in installed.files or ()}
    return tops - {"..", "__pycache__"}


def find_python(user: int | None, *needed: str) -> str | None:
    """An interpreter that this user may run, and that can import these of our packages."""
    packages = str(distribution("Django").locate_file(""))
    code = f"import sys; sys.path.append({packages!r}); import {', '.join(('venv', *needed))}"
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        # Without the packages of the system, which a virtual environment has not either.
        if _succeeds([python, "-I", "-S", "-c", code], user):
            return python
    return None


def _succeeds(command: list[str], user: int | None) -> bool:
    with suppress(OSError):
        done = subprocess.run(command, **as_user(user), capture_output=True, check=False)
        return done.returncode == 0
    return False


def as_user(user: int | None) -> dict[str, Any]:
    """For subprocess; None is ourselves."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def find_user(wanted: int, *needed: str) -> int | None:
    """This user, where we may become another one and it can run Python; else ourselves."""
    return wanted if os.geteuid() == 0 and find_python(wanted, *needed) else None
