"""The texts of one page as HTML: what is kept, and no more rendering than the page may wait for."""

from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from issues import broker
from issues.models import RenderedText
from issues.rendering import keeping, render_markdown, show_unformatted

MAX_BYTES = 100_000
"""Of text that is rendered while somebody waits; the worst takes 0.2 s."""


@dataclass(slots=True)
class PageTexts:
    left: int = MAX_BYTES
    """Bytes of text that may still be rendered for this page."""

    missing: dict[str, list[int]] = field(default_factory=dict)
    """Ids of rows without HTML, by the names of their models."""

    def show(self, row: RenderedText) -> SafeString:
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
