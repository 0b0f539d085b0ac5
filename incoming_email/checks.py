"""System checks: settings by which mail would be lost or looped are found at start."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.core.exceptions import FieldDoesNotExist
from django.utils.module_loading import import_string

from incoming_email.handlers import registry
from incoming_email.handlers.base import Handler
from incoming_email.inboxes import registry as inbox_registry
from incoming_email.inboxes.methods import Method
from incoming_email.inboxes.oauth_client import parse_token_command
from incoming_email.inboxes.settings import Columns
from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.models.ledger_columns import find_undeclared

PARSE_TRIES = 3
"""A message is parsed, perhaps again after the parser died, and once more by its header alone."""

LEAST_WATCHDOG_SECONDS = 60

HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z",
    re.IGNORECASE | re.ASCII,
)
"""RFC 1123 section 2.1; the last label starts with a letter, so that no IP address is one."""


@register
def check_handlers(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E001 to E004: INCOMING_EMAIL_HANDLERS and SERVICE_DESK_EMAIL_HANDLERS."""
    loaded: list[Handler] = []
    messages: list[CheckMessage] = []
    for path in registry.paths():
        try:
            loaded.append(import_string(path)())
        except ImportError as error:
            hint = "Correct the path in the settings of handlers, or take it out."
            messages.append(_error("E001", f"The handler {path} can't be imported: {error}", hint))
    return [*messages, *_find_twins(loaded), *_find_overlaps(loaded), *_find_policies(loaded)]


def _find_twins(handlers: Sequence[Handler]) -> Iterator[CheckMessage]:
    names = [handler.name for handler in handlers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        hint = "Give each handler a name of its own: the ledger keeps it."
        yield _error("E002", f"{names.count(name)} handlers are named “{name}”.", hint)


def _find_overlaps(handlers: Sequence[Handler]) -> Iterator[CheckMessage]:
    """A key that two patterns match would depend on the order of the handlers.

    Handlers with exactly the same pattern mean it so: the first that resolves the key gets it.
    """
    for handler in handlers:
        example = handler.example
        if not handler.pattern.fullmatch(example):
            hint = "Correct the handler's pattern or its example."
            yield _error("E003", f"The handler “{handler.name}” misses its own example.", hint)
        others = [
            other.name
            for other in handlers
            if other.pattern.pattern != handler.pattern.pattern and other.pattern.fullmatch(example)
        ]
        if others:
            what = (
                f"The example of the handler “{handler.name}” is matched by: {', '.join(others)}."
            )
            yield _error("E003", what, "Make the patterns tighter, so that one only matches.")


def _find_policies(handlers: Sequence[Handler]) -> Iterator[CheckMessage]:
    for handler in handlers:
        policy = handler.sender_policy
        if policy and not _is_field(policy):
            what = f"The sender policy “{policy}” of the handler “{handler.name}” does not exist."
            yield _error("E004", what, "Name a field of Mailbox, or nothing for no policy.")


def _is_field(name: str) -> bool:
    try:
        Mailbox._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


@register
def check_lease(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E005: with a shorter lease a second worker takes a message while the first still processes
    it."""
    lease, limit = settings.PROCESSING_LEASE_SECONDS, settings.CELERY_TASK_TIME_LIMIT
    if lease > limit:
        return []
    what = (
        f"PROCESSING_LEASE_SECONDS ({lease}) is not longer than the time limit of a task ({limit})."
    )
    return [_error("E005", what, "Set PROCESSING_LEASE_SECONDS above TASK_TIME_LIMIT_SECONDS.")]


@register
def check_parse_timeout(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """W001: with a longer time-out the task is killed first, at each attempt, and the cause is not
    recorded."""
    timeout, limit = settings.PARSE_TIMEOUT_SECONDS, settings.CELERY_TASK_TIME_LIMIT
    if PARSE_TRIES * timeout < limit:
        return []
    what = (
        f"PARSE_TIMEOUT_SECONDS ({timeout}), which a message may take {PARSE_TRIES} times, does not"
        f" fit into the time limit of a task ({limit})."
    )
    hint = "Set PARSE_TIMEOUT_SECONDS below a third of TASK_TIME_LIMIT_SECONDS."
    return [Warning(what, hint=hint, id="incoming_email.W001")]


@register
def check_watchdog(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """W002: main loops go round each 5 to 30 seconds, and may wait a while for the database."""
    seconds = settings.WATCHDOG_SECONDS
    if seconds == 0 or seconds >= LEAST_WATCHDOG_SECONDS:
        return []
    what = f"WATCHDOG_SECONDS ({seconds}) is so short that it ends processes that work."
    hint = f"Set WATCHDOG_SECONDS to {LEAST_WATCHDOG_SECONDS} or more, or to 0 for no watchdog."
    return [Warning(what, hint=hint, id="incoming_email.W002")]


@register
def check_message_id_host(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E006: it is the domain of every Message-ID that we write."""
    host = settings.MESSAGE_ID_HOST
    if HOST_NAME.match(host):
        return []
    hint = "Set MESSAGE_ID_HOST to a name such as mail.example.com, without port or scheme."
    return [_error("E006", f"MESSAGE_ID_HOST “{host}” is not a host name.", hint)]


@register
def check_listener(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E008: an invalid network would end each connection, or look-up. E009: TLS is required but not
    configured."""
    found = list(_find_no_networks("E008", "SMTP_LISTENER_NETWORKS"))
    found += _find_no_networks("E008", "TRUSTED_RELAY_NETWORKS")
    if settings.SMTP_LISTENER_REQUIRE_TLS and not settings.SMTP_LISTENER_CERTIFICATE_FILE:
        what = "SMTP_LISTENER_REQUIRE_TLS is set, and there is no certificate."
        found.append(_error("E009", what, "Name its PEM file as SMTP_LISTENER_CERTIFICATE_FILE."))
    return found


@register
def check_metrics(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E010: an invalid network would make each request for metrics an error."""
    return list(_find_no_networks("E010", "METRICS_NETWORKS"))


@register
def check_proxies(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E015: an invalid network would make each page an error."""
    return list(_find_no_networks("E015", "TRUSTED_PROXIES"))


@register
def check_ledger_columns(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E011: page, export, retention and erasing would pass over the column without a word."""
    where = "incoming_email.models.ledger_columns.LEDGER_COLUMNS"
    hint = f"Give it a row in {where}: what sets it, whether it is personal, where it is shown."
    return [
        _error("E011", f"Nothing says what is done with the column {name} of the ledger.", hint)
        for name in find_undeclared(InboundEmail)
    ]


@register
def check_inbox_methods(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E012: a method is a choice and no more, or no choice. E013: it names a column that is none.
    E014: it leaves out what others ask of it."""
    methods = inbox_registry.METHODS
    found = list(_find_unpaired([method.name for method in methods]))
    for method in methods:
        found += _find_no_columns(method)
        found += _find_gaps(method)
    return [*found, *_find_ambiguous(methods)]


def _find_unpaired(names: Sequence[str]) -> Iterator[CheckMessage]:
    for name in sorted({*InboxMethod.values} - {*names}):
        what = f"The inbox method “{name}” is a choice, and nothing is known of it."
        yield _error("E012", what, "Add its descriptor to METHODS in inboxes/registry.py.")
    for name in sorted({name for name in names if names.count(name) > 1}):
        what = f"{names.count(name)} inbox methods are named “{name}”."
        yield _error("E012", what, "Give each a name of its own: the mailbox's row keeps it.")
    for name in sorted({*names} - {*InboxMethod.values}):
        what = f"The inbox method “{name}” can't be chosen."
        yield _error("E012", what, "Add it to InboxMethod in models/mailboxes.py.")


def _find_no_columns(method: Method[Any]) -> Iterator[CheckMessage]:
    asked = {*_shown(method), *method.form.needed}
    unread = asked - {column.name for column in fields(Columns)}
    if unread:
        what = f"The inbox method “{method.name}” asks for: {', '.join(sorted(unread))}."
        yield _error("E013", what, "Name a column, and add it to Columns in inboxes/settings.py.")
    filled = {option.column for option in method.options}
    filled |= {column for preset in method.presets for column in preset.columns}
    filled |= set(method.polling.folder_columns if method.polling else ())
    unknown = sorted(name for name in filled if not _is_field(name))
    if unknown:
        what = f"The inbox method “{method.name}” fills in or reads: {', '.join(unknown)}."
        yield _error("E013", what, "Name fields of Mailbox in its options, presets and folder.")


def _shown(method: Method[Any]) -> set[str]:
    return {field.column for section in method.form.sections for field in section.fields}


def _find_gaps(method: Method[Any]) -> Iterator[CheckMessage]:
    needed = {option.column for option in method.options if option.is_needed}
    hidden = sorted({*method.form.needed, *needed} - _shown(method))
    has_reason = bool(method.check.without_secret) or method.check.find_secret is None
    gaps = {
        "no section of the form": not method.form.sections,
        "no preset": not method.presets,
        "no step of the check": not method.check.steps,
        "no option of gitlab.yml": method.polling is not None and not method.options,
        "no reason why steps are skipped without a secret": not has_reason,
        f"no field of the form for {', '.join(hidden)}": bool(hidden),
    }
    for gap, is_there in gaps.items():
        if is_there:
            what = f"The inbox method “{method.name}” has {gap}."
            yield _error("E014", what, "Add it in the method's folder; docs/adding-an-inbox.md.")


def _find_ambiguous(methods: Sequence[Method[Any]]) -> Iterator[CheckMessage]:
    """The form and gitlab.yml have one namespace for all methods."""
    slugs = [preset.slug for method in methods for preset in method.presets]
    for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        yield _error("E014", f"{slugs.count(slug)} presets are named “{slug}”.", "Rename one.")
    pairs = {(option.key, option.column) for method in methods for option in method.options}
    keys = [key for key, _column in pairs]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        what = f"The key “{key}” of gitlab.yml sets several columns."
        yield _error("E014", what, "Let each option of this key name the same column.")


@register
def check_token_commands(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E016: without a host the token goes nowhere, and the mailbox is not read."""
    hint = 'Write {"name": {"host": "imap.example.com", "command": "/usr/local/bin/token"}}.'
    return [
        _error("E016", f"IMAP_TOKEN_COMMANDS has no host and command for “{name}”.", hint)
        for name, entry in settings.IMAP_TOKEN_COMMANDS.items()
        if not parse_token_command(entry).host
    ]


def _find_no_networks(number: str, setting: str) -> Iterator[CheckMessage]:
    for network in getattr(settings, setting):
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            hint = "Write networks as 192.0.2.0/24, with commas between."
            yield _error(number, f"{setting}: {error}", hint)


def _error(number: str, what: str, hint: str) -> Error:
    return Error(what, hint=hint, id=f"incoming_email.{number}")
