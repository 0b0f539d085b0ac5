"""Says why a test can't run here: a program or a right that is missing."""

import os
import shutil
from typing import NoReturn

import pytest

PACKAGES = {
    "dovecot": "dovecot-imapd dovecot-lmtpd",
    "doveadm": "dovecot-imapd dovecot-lmtpd",
    "postfix": "postfix",
    "redis-server": "redis-server",
    "postgres": "postgresql",
    "chromium": "chromium",
}


def give_up(reason: str) -> NoReturn:
    """Skips the test, or fails it where REQUIRE_SERVICES=1 says that nothing may be missing."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def require_program(*names: str) -> None:
    for name in names:
        if shutil.which(name) is None:
            give_up(f"{name} is not installed: apt-get install {PACKAGES.get(name, name)}")


def require_root(what: str) -> None:
    if os.geteuid() != 0:
        give_up(f"{what} needs root")
