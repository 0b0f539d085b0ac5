"""The log as JSON and as lines: ids are fields; keys and what exceptions say are not in it."""

import io
import json
import logging
from datetime import datetime

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from config.logs import FORMATS, JsonFormatter, make_logging
from incoming_email.handlers.note import NoteHandler
from incoming_email.pipeline import faults
from tests.incoming_email.world import make_mail, make_world

KEY = "abcde01234fghij56789klmno"
WORDS = "Our safe opens with 4711"


@pytest.fixture
def logger():
    """One that writes nowhere else."""
    made = logging.Logger("incoming_email.tests", logging.DEBUG)  # noqa: LOG001
    made.stream = io.StringIO()
    made.addHandler(logging.StreamHandler(made.stream))
    made.handlers[0].setFormatter(JsonFormatter())
    return made


def entries(logger):
    return [json.loads(line) for line in logger.stream.getvalue().splitlines()]


def raise_from(cause, error):
    try:
        raise cause
    except type(cause):
        raise error  # noqa: B904


def text_of(written, logger):
    logger.handlers[0].setFormatter(FORMATS[written]())
    return logger.stream.getvalue


def test_an_entry_says_when_how_grave_who_and_what(logger):
    logger.info("listener started host=%s port=%s", "127.0.0.1", 2525)
    (entry,) = entries(logger)
    assert datetime.fromisoformat(entry.pop("time")).utcoffset().total_seconds() == 0
    assert entry == {
        "level": "INFO",
        "logger": "incoming_email.tests",
        "message": "listener started host=127.0.0.1 port=2525",
        "host": "127.0.0.1",
        "port": 2525,
    }


@pytest.mark.parametrize(
    ("message", "values", "fields"),
    [
        ("processed inbound_email=%s status=%s reason=%s", (7, "held", ""), [7, "held", ""]),
        ("message skipped source_id=%s%s reason=%s", ("ab:1:", 9, "gone"), ["ab:1:9", "gone"]),
        ("processing one by one inbound_email=%s…", (7,), [7]),
        ("not merged merge_request=%s: %s", (7, "conflict"), [7]),
        ("%d %% of mailbox=%s final=%s by=%s", (5, 3, True, None), [3, True, None]),
        ("took %.1f s issue=%s", (0.5, 3), [3]),
        ("nothing to say", (), []),
        ("level=%s message=%s", ("a", "b"), []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_logged_as_name_and_value_is_a_field(logger, message, values, fields):
    logger.info(message, *values)
    (entry,) = entries(logger)
    assert list(entry.values())[4:] == fields
    assert entry["message"] == message % values
    assert entry["level"] == "INFO"


@pytest.mark.parametrize("written", FORMATS)
def test_of_an_exception_type_and_place_are_logged_and_not_its_words(logger, written):
    read = text_of(written, logger)
    try:
        raise_from(KeyError(WORDS), ValueError(WORDS))
    except ValueError as error:
        logger.exception("attempt failed inbound_email=%s: %r, %s", 7, error, error)  # noqa: TRY401
    assert WORDS not in read()
    assert "in raise_from" in read()
    assert "KeyError" in read()
    assert "inbound_email=7: ValueError, ValueError" in read()
    if written == "json":
        assert entries(logger)[0]["exception"]["type"] == "ValueError"


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationalError("server closed the connection"), "server closed the connection"),
        (FileNotFoundError(2, "No such file", f"/srv/{WORDS}"), "No such file"),
    ],
    ids=["database", "system"],
)
def test_what_system_and_database_say_of_themselves_is_logged(logger, written, error, words):
    read = text_of(written, logger)
    logger.error("failed", exc_info=error)
    assert words in read()
    assert WORDS not in read()


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize(
    "said",
    [
        f"incoming+{KEY}@example.com",
        f"incoming+{KEY}-unsubscribe@example.com",
        f"incoming+acme-shop-3-{KEY}-issue@example.com",
        f"<reply-{KEY}@example.com>",
        "Not Found: /unsubscribe/abcdWzEsImlzc3VlIiwzXQ:1vN0aa:k3VtZm9vYmFy_-Zz/",
        "Error handling request /uploads/abcd3fGh1jKlMn0pQrStUv/secret.png",
    ],
    ids=["reply", "leave", "issue", "id", "link", "file"],
)
def test_keys_are_cut_to_four_characters(logger, written, said):
    read = text_of(written, logger)
    logger.warning("refused %s", said)
    logger.warning("refused address=%s", said)
    rest = said[said.index("abcd") + 4 :][:12]
    assert rest not in read()
    assert read().count("abcd…" if written == "line" else r"abcd\u2026") >= 2


def test_nobody_makes_up_a_line(logger):
    read = text_of("line", logger)
    logger.warning("fetch failed error=%s", "no\r\n2026-01-01 INFO all is well\x1b[2J")
    assert len(read().splitlines()) == 1
    assert r"error=no\r\n2026-01-01 INFO all is well\x1b[2J" in read()


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.django_db
def test_the_words_of_a_mail_that_fails_are_not_logged(caplog, monkeypatch, written):
    world = make_world()

    def fail(self, email, target, context):
        raise ValueError(email.text)

    monkeypatch.setattr(NoteHandler, "handle", fail)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATS[written]())
    monkeypatch.setattr(faults.logger, "handlers", [handler])
    mail = make_mail(to=world.reply_address(), sender=world.member.email, body=WORDS)
    row = world.receive(mail)
    assert WORDS in row.last_error
    assert f"attempt failed inbound_email={row.pk}" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert WORDS not in stream.getvalue()


@pytest.mark.parametrize("written", FORMATS)
def test_the_setting_chooses(written):
    made = make_logging(written=written, level="DEBUG")
    assert made["formatters"][made["handlers"]["stderr"]["formatter"]]["()"] is FORMATS[written]
    assert made["loggers"]["incoming_email"]["level"] == "DEBUG"


def test_another_format_is_refused_with_those_there_are():
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT is line or json, not 'xml'"):
        make_logging(written="xml", level="INFO")


def test_lines_are_the_default():
    assert make_logging(written="line", level=settings.LOG_LEVEL) == settings.LOGGING
