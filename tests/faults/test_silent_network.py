"""A firewall that forgets a connection says nothing: the wait for the database ends even so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.databases import POSTGRESQL_OPTIONS
from tests.journeys.installation import ROOT
from tests.servers.postgresql import find_program
from tests.servers.programs import give_up, require_program

pytestmark = [pytest.mark.services, pytest.mark.slow]
SLACK_SECONDS = 10
SCRIPT = Path(__file__).parent / "silence.py"


def test_a_silent_network_is_a_fault_within_seconds(tmp_path):
    require_program("iptables", "ip", "unshare")
    find_program("initdb")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        give_up("a network of its own", "run the tests as root, with a kernel that allows it")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, str(SCRIPT)],
        cwd=ROOT,
        env={
            **{name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATA_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    in_conversation, after_pause = json.loads(done.stdout.splitlines()[-1])
    limits = POSTGRESQL_OPTIONS
    assert (
        in_conversation
        < limits["tcp_user_timeout"] / 1000 + limits["connect_timeout"] + SLACK_SECONDS
    )
    assert after_pause < limits["connect_timeout"] + SLACK_SECONDS
