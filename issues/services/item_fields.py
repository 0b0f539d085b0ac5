"""The fields of issues and merge requests: which service changes each, or why none does."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Model

from issues.services.changing import edit_item, set_confidential, set_due_date, set_locked


@dataclass(frozen=True, slots=True)
class ItemField:
    """What happens to a field once the item is there."""

    name: str
    correct: Callable[..., None] | None = None
    """The service by which a form changes it, and which adds the system note. It takes `item`,
    `actor`, and the value under the name of the field. None: no form does."""


FIELDS = (
    ItemField("title", edit_item),
    ItemField("description", edit_item),
    ItemField("confidential", set_confidential),
    ItemField("locked", set_locked),
    ItemField("due_date", set_due_date),
    ItemField("html"),  # made of the description
    # Set when it is opened.
    *map(ItemField, ("id", "project", "iid", "author", "external_author", "created_at")),
    ItemField("source_branch"),
    # Closing, reopening, merging, and marking as a duplicate or as spam are acts of their own.
    *map(ItemField, ("state", "closed_at", "duplicate_of", "spam_at", "merged_into")),
    # By quick actions and on the page.
    *map(ItemField, ("assignees", "labels", "draft", "target_branch")),
)
"""Every field of both, the ones of a form in its order."""


def find_correctable(model: type[Model]) -> dict[str, Callable[..., None]]:
    """The service by the name of the field, for those fields of the model that a form changes."""
    own = set(_names(model))
    return {each.name: each.correct for each in FIELDS if each.correct and each.name in own}


def find_undeclared(models: Iterable[type[Model]]) -> Iterator[tuple[type[Model], str]]:
    """Fields that nobody has said anything about in FIELDS."""
    declared = {each.name for each in FIELDS}
    for model in models:
        yield from ((model, name) for name in _names(model) if name not in declared)


def _names(model: type[Model]) -> list[str]:
    return [field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)]
