"""Patches that wait for the rest of their series, to look at; their content is not shown."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from incoming_email.models import SeriesPart
from issues.admin.redaction import redact_text
from issues.admin.rows import KeptAdmin
from issues.bearer_secrets import cut_secrets


@admin.register(SeriesPart)
class SeriesPartAdmin(KeptAdmin[SeriesPart]):
    list_display = ("__str__", "shown_title", "project", "author", "revision", "received_at")
    list_filter = ("received_at",)
    list_select_related = ("project", "author")
    search_fields = ("title", "project__path", "author__username", "message_id", "long_message_id")
    linkable = ("project", "author")
    ordering = ("-pk",)
    sortable_by = ("received_at",)
    fields = (
        *("project", "author", "inbound_email", "number", "total", "revision"),
        *("shown_title", "shown_description", "whole_message_id", "received_at", "is_reported"),
    )
    readonly_fields = fields

    @admin.display(description=_("title"))
    def shown_title(self, row: SeriesPart) -> str:
        return _redact(row.title)

    @admin.display(description=_("description"))
    def shown_description(self, row: SeriesPart) -> str:
        return _redact(row.description)


def _redact(text: str) -> str:
    """They are as they came, unlike those of what is made of them."""
    return redact_text(*cut_secrets(text)) or "-"
