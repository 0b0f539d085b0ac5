"""A setting by its former name is refused at start, in a sentence that has the new name."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import environment
from tests.waiting import PROCESS_SECONDS

SENTENCE = (
    "SMTP_DOOR_PORT is now called SMTP_LISTENER_PORT. Rename it in the environment or in .env,"
    " then start again."
)
PROGRAMS = {
    "manage.py": ["manage.py", "check"],
    "celery": ["-m", "celery", "-A", "config", "report"],
    "gunicorn": ["-m", "gunicorn", "--check-config", "config.wsgi"],
}


@pytest.mark.parametrize(("former", "name"), environment.RENAMED.items())
def test_it_is_refused_in_a_sentence_with_the_new_name(monkeypatch, former, name):
    monkeypatch.setenv(former, "")
    with pytest.raises(ImproperlyConfigured, match=f"^{former} is now called {name}\\."):
        environment.refuse_renamed()


def test_new_names_are_read_and_former_ones_are_not():
    assert [name for name in environment.RENAMED.values() if not hasattr(settings, name)] == []
    assert [name for name in environment.RENAMED if hasattr(settings, name)] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_sentence_is_all_that_a_program_says(program, tmp_path):
    done = subprocess.run(
        [sys.executable, *PROGRAMS[program]],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATA_DIR": str(tmp_path), "SMTP_DOOR_PORT": "25"},
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{SENTENCE}\n")
