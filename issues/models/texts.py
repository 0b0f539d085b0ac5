"""A row with a text in Markdown, which keeps the HTML that was made of it."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models

from issues.rendering import keeping


class RenderedText(models.Model):
    TEXT: ClassVar[str]
    """The name of the text's column."""

    # With a default the table would be written anew on SQLite.
    html = models.TextField(null=True, editable=False)  # noqa: DJ001
    """As `rendering.keeping` writes and reads it; None where it was not made yet."""

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """With each new text goes its HTML, so that no row keeps that of a former one."""
        columns = set(update_fields) if update_fields is not None else self._find_loaded()
        if self.TEXT in columns:
            self.html = self.make_html()
            columns.add("html")
        super().save(*args, update_fields=columns if update_fields is not None else None, **options)

    @property
    def text(self) -> str:
        """Markdown, or plain where nothing is to be rendered."""
        written: str = getattr(self, self.TEXT)
        return written

    def make_html(self) -> str | None:
        """None for a text that takes too long to render while somebody waits."""
        return keeping.renew(self.html, self.text)

    def _find_loaded(self) -> set[str]:
        return {field.attname for field in self._meta.concrete_fields} - self.get_deferred_fields()
