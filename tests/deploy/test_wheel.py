"""The wheel of the checkout runs by itself, from an empty folder."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from incoming_email.versions import RELEASE
from tests.deploy.recipes import copy_checkout
from tests.servers.dovecot import free_ports, is_taken
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.slow
PACKAGES = ("config", "incoming_email", "issues", "servicedesk", "templates")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
MAIL = "From: dana@letterbox.localhost\nTo: {}\nSubject: From a wheel\n\nHi\n"


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy, since a build leaves files in the folder that it builds."""
    return copy_checkout(tmp_path_factory.mktemp("source") / "letterbox")


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    run(*PIP, *build, cwd=source)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of what was installed, besides the packages of this Python."""
    folder = tmp_path_factory.mktemp("installed")
    run(*PIP, "install", "--no-deps", "--no-index", "--target", folder, wheel, cwd=folder)
    return folder


@pytest.fixture
def environment(installed):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(installed)}


@pytest.fixture
def letterbox(installed, environment, tmp_path):
    """Runs a command as in a shell whose working directory is empty at first."""
    program = installed / "bin" / "letterbox"
    return lambda *words: run(program, *words, cwd=tmp_path, env=environment)


def test_it_holds_every_file_of_the_packages(source, wheel):
    wanted = {
        str(path.relative_to(source))
        for name in PACKAGES
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert {name for name in names if ".dist-info/" not in name} == wanted


def test_it_says_its_version_and_what_it_needs(source, installed):
    (found,) = importlib.metadata.distributions(name="letterbox", path=[str(installed)])
    assert found.version == RELEASE
    pins = re.findall(r"^[^#\s][^\n]*", (source / "requirements.in").read_text(), re.MULTILINE)
    assert [each.lower() for each in found.requires or ()] == [each.lower() for each in pins]


def test_mail_becomes_an_issue_and_pages_have_their_style(letterbox, environment, tmp_path):
    letterbox("migrate", "--verbosity", "0")
    letterbox("check", "--fail-level", "WARNING")
    dana = json.loads(letterbox("seed_demo", "--json"))["users"][0]
    (tmp_path / "mail.eml").write_text(MAIL.format(dana["addresses"]["new_issue"]))
    assert "processed" in letterbox("receive_email", "mail.eml")
    assert {path.name for path in tmp_path.iterdir()} == {"var", "mail.eml"}
    page, style = read_pages(environment, tmp_path)
    assert 'name="login"' in page
    assert "font-family" in style


def read_pages(environment: dict[str, str], folder: Path) -> tuple[str, str]:
    """The log-in page of the web process, and its first style sheet. Started as README says."""
    (port,) = free_ports(1)
    web = ("gunicorn", "--config", "python:config.web_server", "config.wsgi")
    process = subprocess.Popen(
        [sys.executable, "-m", *web],
        cwd=folder,
        env=environment | {"WEB_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_taken(port))
        page = read(port, "/account/login/")
        style = re.search(r'href="(/static/[^"]+\.css)"', page)
        assert style is not None, page
        return page, read(port, style[1])
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def read(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read().decode()
