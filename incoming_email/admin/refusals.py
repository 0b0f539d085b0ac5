"""Recipients that the listener refused, beside the ledger of what it took."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from incoming_email.models import RefusedRecipient
from issues.admin.rows import KeptAdmin, show_moment


@admin.register(RefusedRecipient)
class RefusedRecipientAdmin(KeptAdmin[RefusedRecipient]):
    list_display = ("moment", "peer", "sender", "recipient", "answer", "count")
    list_filter = ("at",)
    search_fields = ("sender", "recipient", "=peer")
    ordering = ("-pk",)
    sortable_by = ("moment",)
    fields = list_display
    readonly_fields = fields

    @admin.display(description=_("when"), ordering="at")
    def moment(self, row: RefusedRecipient) -> str:
        return show_moment(row.at)
