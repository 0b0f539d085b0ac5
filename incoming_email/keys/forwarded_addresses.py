"""Addresses of other domains that forward to us: asked of the layer above."""

from collections.abc import Iterable
from typing import Protocol

from issues.extension_points import ExtensionPoint, declare


class FindKeys(Protocol):
    def __call__(self, addresses: Iterable[str]) -> dict[str, str]:
        """By address, the key that mail to it is resolved by, in one query; other addresses are
        left out."""


FORWARDED_ADDRESSES: ExtensionPoint[FindKeys] = declare("addresses that forward to us")


def find_keys(addresses: Iterable[str]) -> dict[str, str]:
    """What the layer above knows of them; nothing is asked about nothing."""
    asked = set(addresses)
    find = FORWARDED_ADDRESSES.find()
    return find(asked) if asked and find is not None else {}
