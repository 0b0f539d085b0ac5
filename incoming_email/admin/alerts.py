"""Alerts that were posted to the webhook or are still due. Its URL, a secret, is not shown."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from incoming_email.models import WebhookAlert
from issues.admin.rows import KeptAdmin, show_moment


@admin.register(WebhookAlert)
class WebhookAlertAdmin(KeptAdmin[WebhookAlert]):
    list_display = ("mailbox", "event", "began", "posted", "attempts", "last_error")
    list_filter = ("event", ("posted_at", admin.EmptyFieldListFilter))
    list_select_related = ("mailbox",)
    ordering = ("-pk",)
    sortable_by = ("began", "posted")
    fields = ("mailbox", "event", "began", "error", "attempts", "posted", "last_error")
    readonly_fields = fields

    @admin.display(description=_("since"), ordering="since")
    def began(self, row: WebhookAlert) -> str:
        return show_moment(row.since)

    @admin.display(description=_("posted at"), ordering="posted_at")
    def posted(self, row: WebhookAlert) -> str:
        return show_moment(row.posted_at)
