"""Handlers, in the order that the settings name them."""

import re
from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from incoming_email.handlers.base import Handler


@cache
def handlers() -> tuple[Handler, ...]:
    return tuple(import_string(path)() for path in settings.INCOMING_EMAIL_HANDLERS)


def find(key: str) -> list[tuple[Handler, re.Match[str]]]:
    """Handlers whose pattern matches the whole key, in order. Several may share one pattern:
    then the first that can resolve the key has it."""
    found = ((handler, handler.pattern.fullmatch(key)) for handler in handlers())
    return [(handler, match) for handler, match in found if match]


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting == "INCOMING_EMAIL_HANDLERS":
        handlers.cache_clear()
