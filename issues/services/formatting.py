"""Makes the HTML of texts for which no page could wait, and keeps it in their rows."""

from collections.abc import Mapping, Sequence

from issues.models import Issue, MergeRequest, Note
from issues.rendering import keeping

MODELS = (Issue, MergeRequest, Note)


def keep_html(ids: Mapping[str, Sequence[int]]) -> int:
    """Of these rows, by the names of their models; returns how many it was made for.

    A text that is changed or erased meanwhile keeps none of it.
    """
    return sum(
        _keep(model, pk) for model in MODELS for pk in ids.get(str(model._meta.model_name), ())
    )


def _keep(model: type[Issue] | type[MergeRequest] | type[Note], pk: int) -> int:
    rows = model.objects.filter(pk=pk)
    row = rows.first()
    if row is None or keeping.find(row.html, row.text) is not None:
        return 0
    return rows.filter(**{model.TEXT: row.text}).update(html=keeping.make(row.text))
