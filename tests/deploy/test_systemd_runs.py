"""The recipe for systemd, followed from a folder where people worked, and what its units run."""

import json
import shutil
from contextlib import contextmanager

import pytest

from tests.deploy.doc_blocks import take_block
from tests.deploy.machine import open_folder, read_only, running
from tests.deploy.packages import find_python, find_user
from tests.deploy.reading import ROOT, read_procfile
from tests.deploy.recipes import Host, copy_checkout
from tests.deploy.visiting import Visitor, send
from tests.servers.dovecot import free_ports
from tests.waiting import wait_until

INSTALL = take_block("docs/deploying.md", "umask 022  ")
UPDATE = take_block("docs/deploying.md", "umask 022; systemctl stop")
COMMAND = take_block("docs/deploying.md", "sh -c 'set -a; . /etc/letterbox/environment")
PROCESSES = tuple(read_procfile())
OTHERS = {
    ".venv/bin/celery": "#!/home/ada/letterbox/.venv/bin/python\n",
    ".venv/bin/pip": "#!/home/ada/letterbox/.venv/bin/python\n",
    ".env": "ALLOWED_HOSTS=none.example.com\n",
    "var/secret.env": "SECRET_KEY=of-the-demo\n",
    "deploy/secrets/database_url": "postgres://ada:secret@postgres/ada\n",
    "issues/__pycache__/models.cpython-311.pyc": "of another Python\n",
}
"""What lies in a folder where somebody ran `make run` and keeps secrets."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@contextmanager
def installed():
    """A host on which the recipe was followed, and the folder that it was followed in."""
    with open_folder() as folder:
        user = find_user(10002)
        python = find_python(user)
        assert python is not None
        host = Host(folder, user=user, python=python)
        checkout = copy_checkout(folder / "checkout")
        for name, text in OTHERS.items():
            path = checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        (checkout / "issues" / "apps.py").chmod(0o600)
        host.follow(INSTALL.text, inside=checkout)
        yield host, checkout


def files_of(host):
    """What was copied, by name."""
    folder = host.path("/opt/letterbox")
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {name for name in names if not name.startswith(".venv")}


def run_command(host, words):
    """By the block for commands."""
    return host.follow(COMMAND.text.replace("check_incoming_email", words), inside=host.folder)


def test_the_units_take_a_mail_through_and_the_check_says_yes():
    with installed() as (host, _):
        web, listener = free_ports(2)
        with host.path("/etc/letterbox/environment").open("a") as file:
            file.write(f"SMTP_LISTENER_PORT={listener}\n")
            file.write(f'GUNICORN_CMD_ARGS="--bind 127.0.0.1:{web}"\n')
        migrate, command = host.machine_of("migrate")
        migrate.say(command)
        units = [host.machine_of(name) for name in PROCESSES]
        with read_only(migrate.root), running(units):
            take_a_mail_through(host, Visitor(web, host="127.0.0.1"), listener)
        log = migrate.log.read_text()
        assert "Traceback" not in log, log


def take_a_mail_through(host, visitor, listener):
    wait_until(lambda: visitor.find_health("database,listener").get("listener"))
    dana = json.loads(run_command(host, "seed_demo --json"))["users"][0]
    send(listener, dana["email"], dana["addresses"]["new_issue"], "The bell is mute")
    visitor.log_in(dana["username"], dana["password"])
    wait_until(lambda: "The bell is mute" in visitor.ask("/acme/shop/-/issues/")[1])
    wait_until(lambda: set(visitor.find_health().values()) == {True})
    assert "… no" not in run_command(host, "check_incoming_email")


def test_nothing_comes_along_but_what_runs():
    with installed() as (host, _):
        found = files_of(host)
        tops = {name.partition("/")[0] for name in found}
        assert {".env", "var", ".git", "tests"} & tops == set()
        secret = {name for name in found if name.startswith("deploy/secrets") or ".pyc" in name}
        assert secret == set()
        assert {"manage.py", "docs", "config"} <= tops
        assert host.asked() == [
            "systemd-sysusers ",
            "systemctl daemon-reload",
            "systemctl enable --now letterbox.target",
        ]


def test_an_update_leaves_nothing_of_the_older_version():
    with installed() as (host, checkout):
        before = files_of(host)
        for name in ("issues/gone.py", "servicedesk/migrations/0999_gone.py"):
            host.path(f"/opt/letterbox/{name}").write_text("raise ImportError\n")
        host.follow(UPDATE.text, inside=checkout)
        assert files_of(host) == before
        assert host.asked()[-1] == "systemctl restart letterbox-migrate letterbox.target"


def test_a_folder_is_not_copied_onto_itself():
    with installed() as (host, _):
        before = files_of(host)
        inside = host.path("/opt/letterbox")
        shutil.copy(ROOT / "deploy" / "copy-code", inside / "deploy")
        host.follow("! deploy/copy-code . 2> /dev/null", inside=inside)
        assert files_of(host) == before | {"deploy/copy-code"}


def test_a_folder_may_be_named_from_where_one_is():
    with installed() as (host, checkout):
        host.follow(f"{checkout}/deploy/copy-code here", inside=host.folder / "opt")
        assert (host.folder / "opt" / "here" / "manage.py").exists()
