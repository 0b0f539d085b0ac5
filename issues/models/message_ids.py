"""Columns for Message-IDs, by which a row is found however long its id is (RFC 5322 2.1.1: 998)."""

import hashlib
from collections.abc import Iterable

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

LENGTH = 255
"""Characters of the column that is looked up by."""

WHOLE_ID = Coalesce("long_message_id", "message_id", output_field=models.TextField())
"""The id as it came, in a query."""


class WithMessageId(models.Model):
    """Write both columns by `id_columns`, look for `find_names`."""

    message_id = models.CharField(_("Message-ID"), max_length=LENGTH, blank=True)
    long_message_id = models.TextField(  # noqa: DJ001  (a column without default is added at once)
        null=True, editable=False
    )
    """The whole id, where `message_id` does not hold it."""

    class Meta:
        abstract = True

    @property
    def whole_message_id(self) -> str:
        return self.long_message_id or self.message_id


def name_id(message_id: str) -> str:
    """What `message_id` holds: the id, or of one that is too long its beginning and a digest."""
    if len(message_id) <= LENGTH:
        return message_id
    digest = hashlib.sha256(message_id.encode(errors="replace")).hexdigest()
    return f"{message_id[: LENGTH - len(digest) - 1]}#{digest}"


def id_columns(message_id: str) -> dict[str, str | None]:
    """Values of both columns; the second one where the id is longer than the first."""
    long_id = message_id if len(message_id) > LENGTH else None
    return {"message_id": name_id(message_id), "long_message_id": long_id}


def find_names(ids: Iterable[str]) -> dict[str, str]:
    """By what `message_id` may hold for one of these ids, that id; in their order. Rows of earlier
    versions hold the beginning of a long id alone."""
    names: dict[str, str] = {}
    for message_id in ids:
        names.setdefault(name_id(message_id), message_id)
        names.setdefault(message_id[:LENGTH], message_id)
    return names
