"""Patches that wait for the rest of their series, to look at; their content is not shown."""

from django.contrib import admin

from incoming_email.models import SeriesPart
from issues.admin.rows import KeptAdmin


@admin.register(SeriesPart)
class SeriesPartAdmin(KeptAdmin[SeriesPart]):
    list_display = ("__str__", "title", "project", "author", "revision", "received_at")
    list_filter = ("received_at",)
    list_select_related = ("project", "author")
    search_fields = ("title", "project__path", "author__username", "message_id", "long_message_id")
    linkable = ("project", "author")
    ordering = ("-pk",)
    sortable_by = ("received_at",)
    fields = (
        *("project", "author", "inbound_email", "number", "total", "revision"),
        *("title", "description", "whole_message_id", "received_at", "is_reported"),
    )
    readonly_fields = fields
