"""Settings that would make mail go astray are found by the system checks."""

import re

import pytest
from django.core.cache import caches
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection

from incoming_email import checks
from incoming_email.apps import create_cache_table


class Door:
    name = "door"
    pattern = re.compile(r"door-[0-9]+")
    example = "door-7"
    sender_policy = ""
    secret_key = False
    project_switch = ""
    overrides_ignore = frozenset()
    batchable = False


class Gate(Door):
    name = "gate"
    pattern = re.compile(r"gate-[0-9]+")
    example = "gate-7"
    sender_policy = "token_sender_policy"


class SharedGate(Gate):
    name = "shared gate"


class Namesake(Gate):
    name = "door"


class Greedy(Gate):
    name = "greedy"
    pattern = re.compile(r"[a-z]+-[0-9]+x?")
    example = "greedy-7x"


class Misfit(Gate):
    name = "misfit"
    example = "gate-seven"


class Stranger(Gate):
    name = "stranger"
    sender_policy = "sender_mood"


@pytest.fixture
def handlers(settings, monkeypatch):
    """Chooses the handlers by their classes."""

    def choose(*classes: type) -> None:
        known = {cls.__name__: cls for cls in classes}
        monkeypatch.setattr(checks, "import_string", known.__getitem__)
        settings.INCOMING_EMAIL_HANDLERS = list(known)
        settings.SERVICE_DESK_EMAIL_HANDLERS = []

    return choose


def find_problems() -> list[tuple[str, str]]:
    return [(message.id, message.msg) for message in checks.check_handlers(app_configs=None)]


def test_settings_as_delivered_are_sound():
    assert [each for each in run_checks() if (each.id or "").startswith("incoming_email.")] == []


def test_all_checks_are_registered(settings):
    settings.INCOMING_EMAIL_HANDLERS = ["nowhere.Handler"]
    settings.PROCESSING_LEASE_SECONDS = settings.CELERY_TASK_TIME_LIMIT
    settings.MESSAGE_ID_HOST = "http://example.com"
    found = sorted(message.id for message in run_checks() if "incoming_email" in (message.id or ""))
    assert found == [f"incoming_email.{number}" for number in ("E001", "E005", "E006")]


def test_a_token_command_names_its_host(settings):
    right = {"host": "imap.example.com", "command": "/usr/local/bin/token"}
    settings.IMAP_TOKEN_COMMANDS = {"a": right, "b": "/usr/local/bin/token", "c": {"host": "x"}}
    found = [each for each in run_checks() if each.id == "incoming_email.E016"]
    assert [each.msg.rpartition(" ")[2] for each in found] == ["“b”.", "“c”."]


def test_handlers_that_suit_each_other(handlers):
    handlers(Door, Gate)
    assert find_problems() == []


@pytest.mark.parametrize("path", ["nowhere.Handler", "incoming_email.handlers.note.Nothing", "x"])
def test_handler_that_does_not_exist(settings, path):
    settings.INCOMING_EMAIL_HANDLERS = [path, "incoming_email.handlers.note.NoteHandler"]
    ((number, message),) = find_problems()
    assert number == "incoming_email.E001"
    assert message.startswith(f"The handler {path} can't be imported: ")


def test_two_handlers_of_one_name(handlers):
    handlers(Door, Namesake)
    assert find_problems() == [("incoming_email.E002", "2 handlers are named “door”.")]


def test_example_that_another_pattern_matches_too(handlers):
    handlers(Door, Gate, Greedy)
    assert find_problems() == [
        ("incoming_email.E003", "The example of the handler “door” is matched by: greedy."),
        ("incoming_email.E003", "The example of the handler “gate” is matched by: greedy."),
    ]


def test_handlers_may_share_one_pattern(handlers):
    handlers(Gate, SharedGate)
    assert find_problems() == []


def test_example_that_its_own_pattern_misses(handlers):
    handlers(Door, Misfit)
    assert find_problems() == [
        ("incoming_email.E003", "The handler “misfit” misses its own example.")
    ]


def test_policy_that_no_mailbox_has(handlers):
    handlers(Stranger)
    assert find_problems() == [
        (
            "incoming_email.E004",
            "The sender policy “sender_mood” of the handler “stranger” does not exist.",
        )
    ]


@pytest.mark.parametrize(("lease", "count"), [(241, 0), (240, 1), (60, 1)])
def test_lease_is_longer_than_a_task(settings, lease, count):
    settings.CELERY_TASK_TIME_LIMIT, settings.PROCESSING_LEASE_SECONDS = 240, lease
    found = checks.check_lease(app_configs=None)
    assert [message.id for message in found] == ["incoming_email.E005"] * count


@pytest.mark.parametrize(("timeout", "count"), [(79, 0), (80, 1)])
def test_a_message_may_be_read_within_a_task(settings, timeout, count):
    settings.CELERY_TASK_TIME_LIMIT, settings.PARSE_TIMEOUT_SECONDS = 240, timeout
    found = checks.check_parse_timeout(app_configs=None)
    assert [message.id for message in found] == ["incoming_email.W001"] * count


@pytest.mark.parametrize(("seconds", "count"), [(0, 0), (59, 1), (60, 0)])
def test_the_watchdog_has_patience(settings, seconds, count):
    settings.WATCHDOG_SECONDS = seconds
    found = checks.check_watchdog(app_configs=None)
    assert [message.id for message in found] == ["incoming_email.W002"] * count


@pytest.mark.parametrize(
    "host", ["letterbox.localhost", "Mail.Example.com", "xn--bcher-kva.example"]
)
def test_host_names(settings, host):
    settings.MESSAGE_ID_HOST = host
    assert checks.check_message_id_host(app_configs=None) == []


@pytest.mark.parametrize(
    "host",
    [
        *("", "127.0.0.1", "a b.example.com", "-a.example.com", "a..example.com"),
        *("example.com:8000", "a@example.com", "example.com\n", "bücher.example"),
        "a" * 64 + ".example.com",
    ],
)
def test_no_host_names(settings, host):
    settings.MESSAGE_ID_HOST = host
    (message,) = checks.check_message_id_host(app_configs=None)
    assert message.id == "incoming_email.E006"


def test_migrate_makes_the_table_of_the_database_cache(db, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache_of_a_test",
        }
    }
    for _ in range(2):
        call_command("migrate", verbosity=0)
    caches["default"].set("door", "open")
    assert caches["default"].get("door") == "open"
    assert "cache_of_a_test" in connection.introspection.table_names()


def test_other_caches_need_no_table(db):
    create_cache_table(using="default", verbosity=1)
    assert "letterbox_cache" not in connection.introspection.table_names()


def test_a_handler_of_service_desk_mailboxes_is_checked_with_the_others(settings):
    settings.SERVICE_DESK_EMAIL_HANDLERS = ["incoming_email.handlers.note.NoHandler"]
    ((number, what),) = find_problems()
    assert number == "incoming_email.E001"
    assert "incoming_email.handlers.note.NoHandler" in what
