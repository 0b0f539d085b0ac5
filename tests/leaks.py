"""What a test may leave in its process, left on purpose; run in this order by test_resetting.py."""

import importlib
import locale
import logging
import os
import signal
import sys
import tempfile
import time
import types
import warnings
from pathlib import Path

import pytest
from celery import Celery, current_app
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.test import Client, override_settings
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation
from django.utils.log import configure_logging

from incoming_email.inboxes import oauth_tokens
from tests.resetting import find_lowest_settings

ROOT, KNOWN = (logging.getLogger(name) for name in ("", "django"))


def do_nothing(*_args, **_kwargs):
    """A handler or a receiver."""


def ask_in_korean():
    Client().get("/admin/login/", headers={"accept-language": "ko"})


def read_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def set_time_zone():
    os.environ["TZ"] = "Asia/Seoul"
    time.tzset()


def leave_folder():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)


def where():
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


LEAKS = {
    "language of a request": (ask_in_korean, translation.get_language),
    "language": (lambda: translation.activate("de"), translation.get_language),
    "time zone": (lambda: timezone.activate("Asia/Seoul"), timezone.get_current_timezone_name),
    "script prefix": (lambda: set_script_prefix("/mail/"), get_script_prefix),
    "addresses": (lambda: set_urlconf("issues.urls"), get_urlconf),
    "cache": (lambda: cache.set("door", "open"), lambda: cache.get("door")),
    "tokens of mailboxes": (
        lambda: oauth_tokens._rotated.update(dict.fromkeys("a", "b")),  # type: ignore[arg-type]
        lambda: dict(oauth_tokens._rotated),
    ),
    "mail": (lambda: mail.outbox.append("one"), lambda: list(mail.outbox)),
    "new variable": (lambda: os.environ.update(DOOR="open"), lambda: os.environ.get("DOOR")),
    "removed variable": (lambda: os.environ.pop("HOME"), lambda: os.environ.get("HOME")),
    "time zone of the system": (set_time_zone, lambda: time.tzname),
    "folder": (lambda: os.chdir("/"), where),
    "umask": (lambda: os.umask(0o000), read_umask),
    "locale": (
        lambda: locale.setlocale(locale.LC_NUMERIC, "C.UTF-8"),
        lambda: locale.setlocale(locale.LC_ALL),
    ),
    "signal": (
        lambda: signal.signal(signal.SIGTERM, do_nothing),
        lambda: signal.getsignal(signal.SIGTERM),
    ),
    "receiver": (
        lambda: request_started.connect(do_nothing),
        lambda: [key for key, *_ in request_started.receivers],
    ),
    "removed receiver": (
        lambda: request_finished.disconnect(close_old_connections),
        lambda: [key for key, *_ in request_finished.receivers],
    ),
    "replaced module": (
        lambda: sys.modules.update(json=types.ModuleType("json")),
        lambda: sys.modules["json"],
    ),
    "path": (lambda: sys.path.append("/nowhere"), lambda: list(sys.path)),
    "handler": (lambda: ROOT.addHandler(logging.StreamHandler()), lambda: list(ROOT.handlers)),
    "log that is set up again": (
        lambda: configure_logging(settings.LOGGING_CONFIG, settings.LOGGING),
        lambda: list(ROOT.handlers),
    ),
    "level": (lambda: KNOWN.setLevel(logging.CRITICAL), KNOWN.getEffectiveLevel),
    "silence": (lambda: setattr(KNOWN, "disabled", True), lambda: KNOWN.isEnabledFor(50)),
    "no way up": (lambda: setattr(KNOWN, "propagate", False), lambda: KNOWN.propagate),
    "filter": (lambda: KNOWN.addFilter(do_nothing), lambda: list(KNOWN.filters)),
    "no log": (logging.disable, lambda: ROOT.isEnabledFor(logging.CRITICAL)),
    "handler of a new logger": (
        lambda: logging.getLogger("never.heard.of").addHandler(logging.StreamHandler()),
        lambda: list(logging.getLogger("never.heard.of").handlers),
    ),
    "warnings": (lambda: warnings.simplefilter("ignore"), lambda: list(warnings.filters)),
    "wrapper of queries": (
        lambda: connection.execute_wrappers.append(do_nothing),
        lambda: list(connection.execute_wrappers),
    ),
    "log of queries": (
        lambda: setattr(connection, "force_debug_cursor", True),
        lambda: connection.force_debug_cursor,
    ),
    "celery": (
        lambda: current_app.conf.update(task_always_eager=True),
        lambda: current_app.conf.task_always_eager,
    ),
    "celery app": (lambda: Celery("other").set_current(), lambda: current_app.main),
    "setting": (
        lambda: setattr(find_lowest_settings(), "DEBUG", True),
        lambda: find_lowest_settings().DEBUG,
    ),
    "new setting": (
        lambda: setattr(find_lowest_settings(), "DOOR", "open"),
        lambda: hasattr(find_lowest_settings(), "DOOR"),
    ),
    "removed setting": (
        lambda: delattr(find_lowest_settings(), "BASE_URL"),
        lambda: hasattr(find_lowest_settings(), "BASE_URL"),
    ),
    "setting that others remember": (
        lambda: override_settings(LANGUAGE_CODE="ko").enable(),
        lambda: (settings.LANGUAGE_CODE, translation.get_language()),
    ),
    "list in a setting": (
        lambda: settings.ALLOWED_HOSTS.append("door.example"),
        lambda: list(settings.ALLOWED_HOSTS),
    ),
    "dict in a setting": (lambda: settings.CACHES.update(x={}), lambda: dict(settings.CACHES)),
    "folder that is gone": (leave_folder, where),
}
FIRST = {}


@pytest.mark.parametrize("step", ["leaves", "finds nothing"])
@pytest.mark.parametrize("name", LEAKS)
def test_one_after_the_other(name, step):
    leave, look = LEAKS[name]
    if step == "leaves":
        FIRST[name] = look()
        leave()
        assert look() != FIRST[name]
    else:
        assert look() == FIRST[name]


IMPORTED = """
import logging
from django.core.signals import request_started

def hear(**_):
    pass

request_started.connect(hear)
logging.getLogger("imported_late.inner").setLevel(logging.CRITICAL)
"""


def test_imports_a_module(tmp_path):
    (tmp_path / "imported_late.py").write_text(IMPORTED)
    sys.path.insert(0, str(tmp_path))
    importlib.import_module("imported_late")


def test_what_an_import_has_set_up_stays():
    module = sys.modules["imported_late"]
    assert any(receiver() is module.hear for _, receiver, *_ in request_started.receivers)
    assert logging.getLogger("imported_late.inner").level == logging.CRITICAL
