"""Whether people without an account get the public notes of an item by mail: the layer above
knows."""

from typing import Protocol

from issues.extension_points import ExtensionPoint, declare
from issues.models import Issue, MergeRequest


class IsMailedOutside(Protocol):
    def __call__(self, item: Issue | MergeRequest) -> bool:
        """In one query."""


MAILED_OUTSIDE: ExtensionPoint[IsMailedOutside] = declare("items that are mailed outside")


def is_mailed_outside(item: Issue | MergeRequest) -> bool:
    """Asked of few notes only: of those that would be written otherwise then."""
    ask = MAILED_OUTSIDE.find()
    return ask is not None and ask(item)
