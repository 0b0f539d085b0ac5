"""Makes the HTML of texts for which no page could wait, and keeps it in their rows."""

from collections.abc import Mapping, Sequence

from issues.models import Issue, MergeRequest, Note


def keep_html(ids: Mapping[str, Sequence[int]]) -> int:
    """Of these rows, by the names of their models; returns how many it was made for.

    A text that is changed or erased meanwhile keeps none of it.
    """
    rows = (
        row
        for model in (Issue, MergeRequest, Note)
        for row in model.objects.filter(pk__in=ids.get(str(model._meta.model_name), ()))
    )
    return sum(row.keep_html() for row in rows)
