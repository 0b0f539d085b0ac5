"""Removes the name of a person who is erased from texts of ours; the rest stays."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from issues.models import REMOVED_PERSON, RenderedText, User

BATCH = 200


def names_of(user: User | None, addresses: Collection[str]) -> tuple[str, ...]:
    """How they are named in a text: an address, or the mention of their account."""
    mention = [f"@{user.username}"] if user is not None and user.removed_at is None else []
    return (*addresses, *mention)


def redact_rows(rows: "QuerySet[Any]", fields: Sequence[str], names: Collection[str]) -> int:
    """Take the names out of these columns, text or JSON; how many rows had one.

    Reads every row once, as an erasing may. HTML of a text that had one is not kept.
    """
    if issubclass(rows.model, RenderedText):
        fields = (*fields, "html")
    if not names:
        return 0
    texts = {f"{field}_as_text": Cast(field, TextField()) for field in fields}
    named = Q(pk=None)
    for text in texts:
        for name in names:
            named |= Q(**{f"{text}__icontains": name})
    ids = list(rows.alias(**texts).filter(named).order_by("pk").values_list("pk", flat=True))
    pattern = _pattern(names)
    return sum(
        _redact_batch(rows, ids[start : start + BATCH], fields, pattern)
        for start in range(0, len(ids), BATCH)
    )


def _pattern(names: Collection[str]) -> re.Pattern[str]:
    """Whole names only: ann@x.example is neither joann@x.example nor ann@x.example.org."""
    words = "|".join(re.escape(name) for name in names)
    return re.compile(rf"(?<![\w.+-])(?:{words})(?![\w-]|\.\w)", re.IGNORECASE)


def _redact_batch(
    rows: "QuerySet[Any]", ids: Sequence[int], fields: Sequence[str], pattern: re.Pattern[str]
) -> int:
    changed = list(_redacted(rows.filter(pk__in=ids).only(*fields), fields, pattern))
    rows.model._default_manager.bulk_update(changed, fields)
    return len(changed)


def _redacted(
    rows: "QuerySet[Any]", fields: Sequence[str], pattern: re.Pattern[str]
) -> Iterator[Any]:
    for row in rows:
        before = {field: getattr(row, field) for field in fields}
        after = {field: _redact(value, pattern) for field, value in before.items()}
        if after != before:
            for field, value in after.items():
                setattr(row, field, value)
            if isinstance(row, RenderedText):
                row.html = None
            yield row


def _redact(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(REMOVED_PERSON, value)
    if isinstance(value, list):
        return [_redact(each, pattern) for each in value]
    if isinstance(value, dict):
        return {name: _redact(each, pattern) for name, each in value.items()}
    return value
