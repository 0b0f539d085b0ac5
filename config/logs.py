"""The format of log entries: a line for people, or a JSON object for machines.

An exception's message may quote a person's mail or a value of a row, and a URL may contain the key
that opens it. So of an exception only type and location are written, and keys are redacted.
"""

import json
import logging
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

Failure = tuple[type[BaseException], BaseException, TracebackType | None]
SHOWN = 4
KEYS = re.compile(rf"(?<![0-9A-Za-z])([0-9a-z]{{{SHOWN}}})[0-9a-z]{{21}}(?![0-9A-Za-z])")
"""Reply keys and private tokens have 25 characters."""
LONG_SEGMENTS = re.compile(rf"(/[^/\s?&\"']{{{SHOWN}}})[^/\s?&\"']{{17,}}")
"""Signed links and secret folders are the long parts of an address."""
PLACEHOLDERS = re.compile(r"(?:(\w+)=)?((?:%[-#0+]*\d*(?:\.\d+)?[a-zA-Z])+)|%%")
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {10: "\\n", 13: "\\r", 9: " "}
"""Escapes of control characters, by which a sender could forge a line of the log."""


@dataclass(frozen=True, slots=True)
class Entry:
    message: str
    fields: dict[str, Any]
    """The `name=%s` pairs of the message. Each call that logs names its fields itself."""
    failure: str
    """Name of the exception's type, or empty."""
    stack: str


class LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = read_record(record)
        line = entry.message.translate(CONTROLS)
        start = f"{self.formatTime(record)} {record.levelname} {record.name} {line}"
        return f"{start}\n{entry.stack}" if entry.stack else start


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = read_record(record)
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {
            "time": time,
            "level": record.levelname,
            "logger": record.name,
            "message": entry.message,
        }
        if entry.failure:
            head["exception"] = {"type": entry.failure, "stack": entry.stack}  # type: ignore[assignment]
        return json.dumps(head | {k: v for k, v in entry.fields.items() if k not in head})


FORMATS: dict[str, type[logging.Formatter]] = {"line": LineFormatter, "json": JsonFormatter}


def make_logging(*, written: str, level: str) -> dict[str, Any]:
    """What Django, Celery and gunicorn configure logging by; `written` is line or json."""
    if written not in FORMATS:
        raise ImproperlyConfigured(f"LOG_FORMAT is {' or '.join(FORMATS)}, not {written!r}.")
    ours = ("config", "incoming_email", "issues", "servicedesk")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": FORMATS[written]}},
        "handlers": {"stderr": {"class": "config.outages.OutageHandler", "formatter": "chosen"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {name: {"level": level} for name in ours}
        # kombu warns that a file broker has no host name; an access log would hold keys.
        | {
            "kombu.connection": {"level": "ERROR"},
            # It writes a line for each task that is due, several a minute for ever.
            "celery.beat": {"level": "WARNING"},
            "gunicorn.error": {"level": "WARNING", "propagate": True},
            "gunicorn.access": {"level": "WARNING", "propagate": True},
        },
    }


def read_record(record: logging.LogRecord) -> Entry:
    failure = record.exc_info if record.exc_info and record.exc_info[0] else None
    message = record.getMessage()
    if failure is not None:
        message = _without_words_of(failure[1], message)
    return Entry(
        message=cut_keys(message),
        fields=dict(_find_fields(record)),
        failure=_name(failure[0]) if failure else "",
        stack=KEYS.sub(r"\1…", "".join(_describe(failure[1]))).rstrip() if failure else "",
    )


def cut_keys(text: str) -> str:
    """Keep four characters of a key: enough to identify it, useless as a secret."""
    return LONG_SEGMENTS.sub(r"\1…", KEYS.sub(r"\1…", text))


def _find_fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    values = list(record.args) if isinstance(record.args, tuple) else []
    for found in PLACEHOLDERS.finditer(str(record.msg)):
        if not found[2]:
            continue
        count = found[2].count("%")
        taken, values = values[:count], values[count:]
        if found[1] and taken:
            yield found[1], _plain(taken[0]) if count == 1 else cut_keys("".join(map(str, taken)))


def _plain(value: object) -> object:
    if value is None or type(value) in {bool, int, float}:
        return value
    return cut_keys(str(value))


def _name(kind: type[BaseException]) -> str:
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _words(error: BaseException) -> str:
    """Those of the system and of the database server about themselves alone."""
    if isinstance(error, OperationalError):
        return str(error)
    return (error.strerror or "") if isinstance(error, OSError) else ""


def _without_words_of(error: BaseException, message: str) -> str:
    """Celery puts the exception into the message as well."""
    for said in (repr(error), str(error)):
        if len(said) > SHOWN and said != _words(error):
            message = message.replace(said, type(error).__name__)
    return message


def _describe(error: BaseException) -> Iterator[str]:
    """As Python prints it, the first cause first."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and all(at is not each for each in chain):
        chain.append(at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    for each in reversed(chain):
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(each.__traceback__)
        words = _words(each)
        yield f"{_name(type(each))}: {words}\n" if words else f"{_name(type(each))}\n"
