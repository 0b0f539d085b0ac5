"""Handlers, in the order that the settings name them."""

from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from incoming_email.handlers.base import Handler


def paths() -> list[str]:
    """Of all handlers: those that every mailbox asks, then those of service desk mailboxes."""
    return [*settings.INCOMING_EMAIL_HANDLERS, *settings.SERVICE_DESK_EMAIL_HANDLERS]


@cache
def handlers() -> tuple[Handler, ...]:
    return tuple(import_string(path)() for path in paths())


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting in {"INCOMING_EMAIL_HANDLERS", "SERVICE_DESK_EMAIL_HANDLERS"}:
        handlers.cache_clear()
