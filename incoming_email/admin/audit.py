"""Who did what in the admin: Django's own record, to be read and not changed."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext_lazy as _

from issues.admin.rows import KeptAdmin, show_moment


@admin.register(LogEntry)
class LogEntryAdmin(KeptAdmin[LogEntry]):
    list_display = ("moment", "user", "action_flag", "content_type", "object_repr", "said")
    list_filter = ("action_flag", "content_type", "action_time")
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "=object_id", "user__username")
    ordering = ("-pk",)
    sortable_by = ("moment",)
    fields = ("moment", "user", "action_flag", "content_type", "object_id", "object_repr", "said")
    readonly_fields = fields

    @admin.display(description=_("when"), ordering="action_time")
    def moment(self, row: LogEntry) -> str:
        return show_moment(row.action_time)

    @admin.display(description=_("what"))
    def said(self, row: LogEntry) -> str:
        return row.get_change_message()
