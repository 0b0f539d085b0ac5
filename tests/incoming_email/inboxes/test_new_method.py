"""A new inbox method needs its folder, a line in the registry and a choice; what is left out of
them is an error of `make check`."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from incoming_email.inboxes.methods import Check, Method, Polling

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
STUB = Path(__file__).with_name("jmap")
SCRIPT = Path(__file__).with_name("jmap_steps.py")
APPLICATIONS = ("config", "servicedesk", "incoming_email", "issues")
PARTS = {
    f"without_{part.name}_of_{value.__name__.lower()}": (value.__name__, part.name)
    for value in (Method, Check, Polling)
    for part in fields(value)
    if part.default is MISSING
}
"""What a descriptor must say, by the name of a module that does not."""


Edit = tuple[str, str, str]
"""File of the copy, what stands there, what stands there instead."""

LINE: Edit = ("registry.py", "    SMTP,\n", "    SMTP,\n    JMAP,\n")
IMPORT: Edit = (
    *("registry.py", "from incoming_email.inboxes.maildir.descriptor"),
    "from incoming_email.inboxes.jmap.descriptor import JMAP\n"
    "from incoming_email.inboxes.maildir.descriptor",
)
CHOICE: Edit = (
    *("../models/mailboxes.py", '    SMTP = "smtp", _('),
    '    JMAP = "jmap", _("JMAP")\n    SMTP = "smtp", _(',
)


def make_copy(folder: Path, *edits: Edit) -> Path:
    """Of the project, with the folder of JMAP in it."""
    for application in APPLICATIONS:
        ignored = shutil.ignore_patterns("__pycache__", "locale", "static")
        shutil.copytree(ROOT / application, folder / application, ignore=ignored)
    shutil.copy(ROOT / "manage.py", folder)
    (folder / "templates" / "static").mkdir(parents=True)
    inboxes = folder / "incoming_email" / "inboxes"
    shutil.copytree(STUB, inboxes / "jmap", ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in edits:
        path = inboxes / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings_test", "PYTHONPATH": str(folder)}
    settings["DATABASE_URL"] = f"sqlite:///{folder / 'db.sqlite3'}"
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(folder, "manage.py", "check", "--fail-level", "WARNING")


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> Path:
    return make_copy(tmp_path_factory.mktemp("complete"), IMPORT, LINE, CHOICE)


def test_a_whole_method_passes_the_system_checks(complete):
    done = check(complete)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def treated(complete) -> dict:
    done = run(complete, str(SCRIPT))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_form_asks_what_it_asks_and_has_its_preset(treated):
    assert treated["form"] == {
        "steps": ["Make a token there, and enter it as the password."],
        "open": ["Account and folder", "SMTP", "JMAP session", "Sender policies"],
        "asks_for": [["host", "poll_interval"]],
        "errors": {},
    }


def test_it_is_not_saved_without_what_it_needs(treated):
    assert treated["problems"] == {"host": ["JMAP needs the host of the session."]}


def test_gitlab_yml_has_its_options(treated):
    assert treated["without_token"]["enabled"] is False
    assert "still empty: password." in treated["without_token"]["remarks"][0]
    assert treated["loaded"]["enabled"] is True


def test_it_is_checked_by_its_steps_and_polled_by_its_interval(treated):
    polled = treated["polled"]
    sound, unknown = polled["check"]["jmap.example.com"], polled["check"]["elsewhere.example.com"]
    assert (sound["session"], sound["backlog"]) == ("yes", "yes")
    assert (unknown["session"], unknown["backlog"]) == ("no", "skipped")
    assert (polled["new"], polled["sources"]) == (1, ["jmap-1"])
    assert polled["position"].endswith(" state-1")
    assert polled["waits_for_its_interval"]


@pytest.mark.parametrize(
    ("edits", "sign"),
    [
        ([CHOICE], "E012) The inbox method “jmap” is a choice, and nothing is known of it."),
        ([IMPORT, LINE], "E012) The inbox method “jmap” can't be chosen."),
    ],
    ids=["registry", "choice"],
)
def test_a_line_that_is_left_out_is_found_by_the_system_checks(tmp_path, edits: list[Edit], sign):
    done = check(make_copy(tmp_path, *edits))
    assert done.returncode != 0
    assert sign in done.stderr


def leave_out(text: str, name: str, part: str) -> str:
    """The descriptor without this argument of the call."""
    (call,) = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name
    )
    (argument,) = (each for each in call.keywords if each.arg == part)
    lines = text.splitlines(keepends=True)
    del lines[argument.lineno - 1 : argument.end_lineno]
    return "".join(lines)


def test_a_part_that_is_left_out_is_found_by_mypy(tmp_path):
    """Each is left out of a descriptor of its own, so that mypy runs once."""
    folder = make_copy(tmp_path)
    jmap = folder / "incoming_email" / "inboxes" / "jmap"
    descriptor, reader = (jmap / "descriptor.py").read_text(), (jmap / "reader.py").read_text()
    for module, (name, part) in PARTS.items():
        (jmap / f"{module}.py").write_text(leave_out(descriptor, name, part))
    (jmap / "deaf.py").write_text(reader.replace("def acknowledge", "def acknowledge_nothing"))
    (jmap / "with_deaf_reader.py").write_text(
        descriptor.replace("inboxes.jmap.reader", "inboxes.jmap.deaf")
    )
    (folder / "mypy.ini").write_text("[mypy]\nstrict = True\nwarn_unreachable = True\n")

    words = ("--config-file", "mypy.ini", "--cache-dir", "cache", "incoming_email/inboxes/jmap")
    output = run(folder, "-m", "mypy", *words).stdout
    found = set(re.findall(r"jmap/(\w+)\.py:\d+: error: (.*?)  \[", output))
    missing = {
        (module, f'Missing named argument "{part}" for "{name}"')
        for module, (name, part) in PARTS.items()
    }
    assert missing - found == set()
    assert {module for module, _error in found} == {*PARTS, "with_deaf_reader"}
