"""A setting that must be a number and is none ends every program with a sentence that names it."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment


@pytest.mark.parametrize(("cast", "kind"), [("int", "a whole number"), ("float", "a number")])
def test_a_value_that_is_no_number_is_named(monkeypatch, cast, kind):
    monkeypatch.setenv("A_NUMBER", "x")
    with pytest.raises(ImproperlyConfigured, match=f"^A_NUMBER is 'x', which is not {kind}\\."):
        getattr(Environment(), cast)("A_NUMBER", default=1)


def test_a_number_and_a_default_are_read(monkeypatch):
    monkeypatch.setenv("A_NUMBER", "7")
    assert Environment().int("A_NUMBER", default=1) == 7
    assert Environment().int("NONE", default=3) == 3


def test_a_program_says_the_sentence_alone(tmp_path):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "WEB_PORT": "eighty"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("WEB_PORT is 'eighty', which is not a whole number.")
    assert done.stderr.count("\n") == 1
