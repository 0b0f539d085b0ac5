"""Refusals of the repository layer: a sentence for the person, translated when it is read."""

from enum import Enum

from django.utils.functional import Promise, lazy


def _fill(text: str | Promise, values: dict[str, str]) -> str:
    return str(text) % values


_fill_lazily = lazy(_fill, str)


def sentence(text: str | Promise, **values: object) -> str:
    """A translatable text with values, in the language of whoever reads it later."""
    filled: str = _fill_lazily(text, {name: str(value) for name, value in values.items()})
    return filled


class Why(Enum):
    CONFLICT = "conflict"
    """The patch is sound and does not fit."""

    PATCH = "patch"
    """The patch itself is rejected."""

    BRANCH = "branch"
    """The branch is not there, or may not be used."""


class Refused(Exception):
    """Nothing was changed. `sentence` gives what happened, why, and what to do."""

    def __init__(self, why: Why, sentence: str) -> None:
        super().__init__(why, sentence)
        self.why = why
        self.sentence = sentence
