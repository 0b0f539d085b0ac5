"""Addresses of other domains that forward to us: asked of the floor above through a setting."""

from collections.abc import Iterable
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string


class FindKeys(Protocol):
    def __call__(self, addresses: Iterable[str]) -> dict[str, str]:
        """By address the key that mail to it stands for, in one query; others are left out."""


def find_keys(addresses: Iterable[str]) -> dict[str, str]:
    """What INCOMING_EMAIL_FORWARDED_ADDRESSES knows of them; nothing is asked about nothing."""
    asked = set(addresses)
    if not asked or not settings.INCOMING_EMAIL_FORWARDED_ADDRESSES:
        return {}
    find = cast("FindKeys", import_string(settings.INCOMING_EMAIL_FORWARDED_ADDRESSES))
    return find(asked)
