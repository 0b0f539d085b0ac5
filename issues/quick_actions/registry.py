"""The quick actions there are, in the order that the settings name them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from issues.quick_actions.types import QuickAction


@cache
def find_actions() -> Mapping[str, QuickAction]:
    """By name. Each path of ISSUES_QUICK_ACTIONS leads to a sequence of them."""
    found: dict[str, QuickAction] = {}
    for action in _load():
        if action.name in found:
            raise ImproperlyConfigured(f"Two quick actions are named /{action.name}.")
        found[action.name] = action
    return MappingProxyType(found)


def _load() -> Iterator[QuickAction]:
    for path in settings.ISSUES_QUICK_ACTIONS:
        yield from cast("Sequence[QuickAction]", import_string(path))


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting == "ISSUES_QUICK_ACTIONS":
        find_actions.cache_clear()
