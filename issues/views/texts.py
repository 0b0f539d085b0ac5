"""The texts of one page as HTML: what is kept, and no more rendering than the page may wait for."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Self

from django.utils.safestring import SafeString

from issues import broker
from issues.models import RenderedText, Upload
from issues.rendering import keeping, render_markdown, show_unformatted, without_pictures
from issues.rendering.pictures import find_secrets

MAX_SECRETS = 1000
"""Of uploads whose pictures one page shows."""

MAX_BYTES = 100_000
"""Of text that is rendered while somebody waits; the worst takes 0.2 s."""


@dataclass(slots=True)
class PageTexts:
    secrets: Set[str] = frozenset()
    """Of uploads that may be pictures: those of the project that the texts belong to."""

    left: int = MAX_BYTES
    """Bytes of text that may still be rendered for this page."""

    missing: dict[str, list[int]] = field(default_factory=dict)
    """Ids of rows without HTML, by the names of their models."""

    @classmethod
    def of(cls, rows: Iterable[RenderedText], *, project_id: int) -> Self:
        """Of all that the page shows: one query, or none where no file is named."""
        named = set[str]().union(*(find_secrets(f"{row.html or ''}\n{row.text}") for row in rows))
        if not named:
            return cls()
        known = Upload.objects.filter(project=project_id, secret__in=sorted(named)[:MAX_SECRETS])
        return cls(frozenset(known.values_list("secret", flat=True)))

    def show(self, row: RenderedText) -> SafeString:
        html = self._find_html(row)
        foreign = find_secrets(html) - self.secrets
        return without_pictures(html, foreign) if foreign else html

    def _find_html(self, row: RenderedText) -> SafeString:
        kept = keeping.find(row.html, row.text)
        if kept is not None or not row.text:
            return kept or SafeString()
        self.missing.setdefault(str(row._meta.model_name), []).append(row.pk)
        size = len(row.text.encode(errors="replace"))
        if size > self.left:
            return show_unformatted(row.text)
        self.left -= size
        return render_markdown(row.text)

    def have_kept(self) -> None:
        """Let a worker make what was missing. A page that is only read writes nothing itself."""
        if self.missing:
            broker.send("issues.keep_html", ids=self.missing)
