"""Blocked senders: who they are, and since when."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from incoming_email.models import BlockedSender
from issues.admin.rows import GuardedAdmin, show_moment


@admin.register(BlockedSender)
class BlockedSenderAdmin(GuardedAdmin[BlockedSender]):
    list_display = ("pattern", "where", "comment", "since")
    list_select_related = ("project",)
    search_fields = ("pattern", "comment", "project__path")
    autocomplete_fields = ("project",)
    ordering = ("pattern", "pk")
    fields = ("pattern", "project", "comment")

    @admin.display(description=_("project"), ordering="project__path")
    def where(self, row: BlockedSender) -> str:
        return str(row.project) if row.project else str(_("all"))

    @admin.display(description=_("since"), ordering="created_at")
    def since(self, row: BlockedSender) -> str:
        return show_moment(row.created_at)
