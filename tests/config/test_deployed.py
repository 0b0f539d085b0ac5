"""An installation whose pages are by https."""

import os
import subprocess
import sys

import pytest

from tests.journeys.installation import ROOT

ASK = """
import django; django.setup()
from django.test import Client
client = Client(SERVER_NAME="box.example.com")
for path in ("/account/login/?a=1", "/health/?only=database", "/metrics"):
    answer = client.get(path, headers={"x-forwarded-proto": "http"})
    print(answer.status_code, answer.headers.get("Location"))
sealed = client.get("/account/login/", headers={"x-forwarded-proto": "https"})
print(sealed.headers["Strict-Transport-Security"], sealed.cookies["csrftoken"]["secure"])
evil = {"host": "evil.example.com", "x-forwarded-proto": "https"}
print(client.get("/account/login/", headers=evil).status_code)
"""


@pytest.fixture
def run(tmp_path):
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
    environment = {**kept, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}

    def run(*words, **settings):
        return subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment | settings,
            capture_output=True,
            text=True,
            check=True,
        )

    return run


def test_django_has_no_warning_about_it(run):
    words = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    said = run(*words, BASE_URL="https://box.example.com")
    assert "no issues" in said.stdout
    assert "W004" not in said.stderr


def test_pages_lead_to_https_and_machines_are_let_be(run):
    said = run("-c", ASK, BASE_URL="https://box.example.com:8443")
    assert said.stdout.splitlines() == [
        "301 https://box.example.com:8443/account/login/?a=1",
        "503 None",  # there is no table yet
        "403 None",
        "max-age=31536000 True",
        "400",
    ]


def test_pages_in_clear_stay_in_clear(run):
    said = run("-c", ASK.partition("sealed")[0], BASE_URL="http://box.example.com")
    assert said.stdout.splitlines()[0] == "200 None"
