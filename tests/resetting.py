"""After each test this process is as it was before: language, environment, log, signals, settings.

A request leaves its language in force for the thread, a task its time zone, a command its signal
handlers. Tests share processes, so the next one would see them. Whatever is left is put back
without a word: most of it is left by the code under test, which does nothing wrong.

Not here: pytest puts back the filters of warnings, and pytest-django empties `mail.outbox`.
"""

import functools
import importlib
import locale
import logging
import os
import signal
import sys
import time
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import UserSettingsHolder, settings
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.signals import setting_changed
from django.db import connections
from django.dispatch import Signal
from django.urls import clear_script_prefix, set_urlconf
from django.utils import timezone, translation

HANDLED = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGALRM),
    *(signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2),
)
UMASK = os.umask(0o077)
os.umask(UMASK)

MEMORIES = (
    ("config.worker_processes", "_next_heartbeat"),
    ("incoming_email.inboxes.oauth_tokens", "_rotated"),
    ("incoming_email.inboxes.oauth_tokens", "_tokens"),
    ("incoming_email.pipeline.claims", "_held"),
    ("incoming_email.pipeline.leasing", "_signs_of_life"),
)
"""What our modules remember for the life of the process, by keys that come again in tests: the port
of a server, the id of a row."""

NEW_LOGGER = (logging.NOTSET, False, True, [], [])
LoggerState = tuple[int, bool, bool, list[logging.Handler], list[Any]]


@contextmanager
def request() -> Iterator[None]:
    """What Django keeps for the thread."""
    yield
    translation.deactivate()
    timezone.deactivate()
    clear_script_prefix()
    set_urlconf(None)


@contextmanager
def cache() -> Iterator[None]:
    yield
    for each in caches.all(initialized_only=True):
        if isinstance(each, LocMemCache):
            each.clear()


@functools.cache
def find_memories() -> list[dict[Any, Any]]:
    return [vars(importlib.import_module(module))[name] for module, name in MEMORIES]


@contextmanager
def memories() -> Iterator[None]:
    yield
    for each in find_memories():
        each.clear()


def read_environment() -> dict[bytes, bytes]:
    """Without pytest's own variable, which says in which phase a test is."""
    # `os.environb.copy()` would check each name and value: the dearest of all that is done here.
    found = os.environb._data.copy()
    found.pop(b"PYTEST_CURRENT_TEST", None)
    return found


@contextmanager
def environment() -> Iterator[None]:
    before = read_environment()
    yield
    now = read_environment()
    for name in {name for name in {*before, *now} if before.get(name) != now.get(name)}:
        os.environb.pop(name, None)
        if name in before:
            os.environb[name] = before[name]
        time.tzset()


@contextmanager
def working_directory() -> Iterator[None]:
    before = Path.cwd()
    yield
    os.chdir(before)  # without a look: where we are may be gone


@contextmanager
def umask() -> Iterator[None]:
    """It can only be read by setting it, so it is set to that of the start without a look."""
    yield
    os.umask(UMASK)


@contextmanager
def language_of_the_system() -> Iterator[None]:
    before = locale.setlocale(locale.LC_ALL)
    yield
    if locale.setlocale(locale.LC_ALL) != before:
        locale.setlocale(locale.LC_ALL, before)


@contextmanager
def signal_handlers() -> Iterator[None]:
    before = [signal.getsignal(number) for number in HANDLED]
    yield
    for number, handler in zip(HANDLED, before, strict=True):
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def is_imported_since(name: str, modules: Collection[str]) -> bool:
    """Whether the module, or one that it is in, was not among those modules.

    What an import has set up stays: it won't be imported again.
    """
    parts = name.split(".")
    parents = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return any(each in sys.modules and each not in modules for each in parents)


@functools.cache
def find_signals() -> list[Signal]:
    """Those of Django and of applications that a module has by name at the first test."""
    names = [vars(module) for module in list(sys.modules.values()) if module]
    found = {id(value): value for each in names for value in list(each.values())}
    return [value for value in found.values() if type(value) is Signal]


@contextmanager
def receivers() -> Iterator[None]:
    modules = sys.modules.copy()
    before = [list(each.receivers) for each in find_signals()]
    yield
    for each, connected in zip(find_signals(), before, strict=True):
        if each.receivers != connected:
            new = [entry for entry in each.receivers if entry not in connected]
            kept = [entry for entry in new if is_imported_since(_module_of(entry[1]), modules)]
            with each.lock:
                each.receivers = connected + kept
                each._dead_receivers = True  # some may have been forgotten meanwhile
                each.sender_receivers_cache.clear()


def _module_of(receiver: Any) -> str:
    function = receiver() if isinstance(receiver, weakref.ReferenceType) else receiver
    return getattr(function, "__module__", None) or ""


@contextmanager
def replaced_modules() -> Iterator[None]:
    """What a test puts in the place of a module; those imported meanwhile stay."""
    path, before = sys.path.copy(), sys.modules.copy()
    yield
    if sys.path != path:
        sys.path[:] = path
    if sys.modules != before:
        sys.modules.update(before)


def read_loggers() -> dict[logging.Logger, LoggerState]:
    found = (logging.root, *logging.root.manager.loggerDict.values())
    return {
        each: (each.level, each.disabled, each.propagate, each.handlers[:], each.filters[:])
        for each in found
        if isinstance(each, logging.Logger)
    }


@contextmanager
def log() -> Iterator[None]:
    modules, before, level = sys.modules.copy(), read_loggers(), logging.root.manager.disable
    yield
    logging.disable(level)
    for logger, state in read_loggers().items():
        was = before.get(logger, NEW_LOGGER)
        is_new = logger not in before
        if state != was and not (is_new and is_imported_since(logger.name, modules)):
            level_then, logger.disabled, logger.propagate, handlers, filters = was
            logger.handlers[:], logger.filters[:] = handlers, filters
            logger.setLevel(level_then)  # also forgets what was enabled


def find_lowest_settings() -> Any:
    """Below what `override_settings` and the fixture `settings` put on top and take away."""
    lowest = settings._wrapped
    while isinstance(lowest, UserSettingsHolder):
        lowest = lowest.default_settings
    return lowest


@functools.cache
def find_changeable_settings() -> list[Any]:
    values = vars(find_lowest_settings()).values()
    return [value for value in values if isinstance(value, list | dict | set)]


@contextmanager
def settings_of_django() -> Iterator[None]:
    """Changed without the fixture `settings`, or in the midst of a list."""
    wrapped, before = settings._wrapped, vars(settings._wrapped).copy()
    contents = [value.copy() for value in find_changeable_settings()]
    yield
    for value, content in zip(find_changeable_settings(), contents, strict=True):
        if value != content:
            value.clear()
            (value.extend if isinstance(value, list) else value.update)(content)
    if settings._wrapped is not wrapped or vars(wrapped) != before:
        _put_back_settings(wrapped, before)


def _put_back_settings(wrapped: Any, before: dict[str, Any]) -> None:
    now = vars(settings._wrapped) | vars(wrapped)
    names = {name for name in {*before, *now} if before.get(name) != now.get(name)}
    vars(wrapped).clear()
    vars(wrapped).update(before)
    settings._wrapped = wrapped  # forgets what it remembered of the one in between
    for name in filter(str.isupper, names):
        value = getattr(settings, name, None)
        setting_changed.send(sender=type(wrapped), setting=name, value=value, enter=False)


@functools.cache
def find_celery_changes() -> dict[str, Any]:
    """What stands above Celery's settings and defaults."""
    conf = current_app.conf
    conf.get("task_always_eager")  # until it is first asked, it is a stand-in of itself
    return conf.changes


@contextmanager
def celery() -> Iterator[None]:
    changes = find_celery_changes()
    app, before = current_app._get_current_object(), changes.copy()
    yield
    if current_app._get_current_object() is not app:
        app.set_current()
    if changes != before:
        changes.clear()
        changes.update(before)


@contextmanager
def database() -> Iterator[None]:
    """What is set on a connection that stays; rows and transactions end with those of the test."""
    known = connections.all(initialized_only=True)
    before = {c.alias: (c.execute_wrappers[:], c.force_debug_cursor) for c in known}
    yield
    for each in connections.all(initialized_only=True):
        wrappers, each.force_debug_cursor = before.get(each.alias, ([], False))
        each.execute_wrappers[:] = wrappers


KEPT: tuple[Callable[[], AbstractContextManager[None]], ...] = (
    request,
    cache,
    memories,
    environment,
    working_directory,
    umask,
    language_of_the_system,
    signal_handlers,
    receivers,
    replaced_modules,
    log,
    database,
    celery,
    # The last to begin is the first to end: the others read settings.
    settings_of_django,
)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with ExitStack() as stack:
        for keep in KEPT:
            stack.enter_context(keep())
        yield
