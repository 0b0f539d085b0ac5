"""Handlers, in the order that the settings name them."""

import re
from collections.abc import Sequence
from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from incoming_email.handlers.base import Handler
from incoming_email.models import Purpose

Matches = Sequence[tuple[Handler, re.Match[str]]]
"""The handlers that a key may be for, with its parts."""


def paths() -> list[str]:
    """Of all handlers: those that every mailbox asks, then those of service desk mailboxes."""
    return [*settings.INCOMING_EMAIL_HANDLERS, *settings.SERVICE_DESK_EMAIL_HANDLERS]


@cache
def handlers() -> tuple[Handler, ...]:
    return tuple(import_string(path)() for path in paths())


def find(key: str, purpose: str) -> Matches:
    """Handlers whose pattern matches the whole key, in order, of those that a mailbox of this
    purpose asks. Several may share one pattern: then the first that can resolve the key has it."""
    asked = handlers()
    if purpose != Purpose.SERVICE_DESK_EMAIL:
        asked = asked[: len(settings.INCOMING_EMAIL_HANDLERS)]
    return [(each, match) for each in asked if (match := each.pattern.fullmatch(key))]


def canonical(key: str, matches: Matches) -> str:
    """The same for all spellings of a key: without the slug, which is decoration and stands before
    the first group of its pattern. A key that no pattern matches stays as it is."""
    if not matches:
        return key
    _handler, parts = matches[0]
    starts = [parts.start(name) for name, text in parts.groupdict().items() if text is not None]
    return key[min(starts, default=0) :]


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting in {"INCOMING_EMAIL_HANDLERS", "SERVICE_DESK_EMAIL_HANDLERS"}:
        handlers.cache_clear()
