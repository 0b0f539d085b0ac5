"""Says why a test can't run here: a program or a right that is missing, and how to get it.

Programs are looked up on PATH and nowhere else, so that a PATH without them hides them.
"""

import importlib
import os
import re
import shutil
from types import ModuleType
from typing import NoReturn

import pytest

PACKAGES = {
    "dovecot": "dovecot-imapd dovecot-lmtpd",
    "doveadm": "dovecot-imapd dovecot-lmtpd",
    "initdb": "postgresql",
    "pg_ctl": "postgresql",
    "systemd-analyze": "systemd",
    "ip": "iproute2",
    "pg_dump": "postgresql-client",
    "unshare": "util-linux",
}
"""Of Debian, where they have another name than the program."""

may_start_services = True
"""Set by tests.servers.marking for the test that runs; nobody asks outside of tests."""

_REASON = re.compile(r"(.+?) is missing: (.+)", re.DOTALL)


def give_up(name: str, remedy: str) -> NoReturn:
    """Skips the test, or fails it where REQUIRE_SERVICES=1 says that nothing may be missing.

    `remedy`: what to do, as a command if there is one.
    """
    reason = f"{name} is missing: {remedy}"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def parse_reason(text: str) -> tuple[str, str]:
    """Name and remedy of what was missing; for a test skipped otherwise, its reason and nothing."""
    match = _REASON.fullmatch(text)
    return (match[1], match[2]) if match else (text, "")


def name_package(program: str) -> str:
    """The command that installs the program."""
    return f"apt-get install {PACKAGES.get(program, program)}"


def require_module(name: str) -> ModuleType:
    """Of a package that only tests need."""
    try:
        return importlib.import_module(name)
    except ImportError:
        give_up(name, "pip install -r requirements-dev.txt")


def require_program(*names: str) -> None:
    for name in names:
        if shutil.which(name) is None:
            give_up(name, name_package(name))


def require_service(*names: str) -> None:
    """A server, or a browser: what a run without the marker `services` leaves out."""
    expect_marker(names[0])
    require_program(*names)


def expect_marker(service: str) -> None:
    assert may_start_services, f"This starts {service}: mark it with pytest.mark.services."


def require_root() -> None:
    """For a server that changes to users of its own."""
    if os.geteuid() != 0:
        give_up("root", "run the tests as root")
