"""The desks in the admin, and who takes part in which ticket."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from servicedesk.models import CannedReply, CustomEmail, Participant, ServiceDesk, Ticket

if TYPE_CHECKING:
    DeskAdminBase = admin.ModelAdmin[ServiceDesk]
    TicketAdminBase = admin.ModelAdmin[Ticket]
    CannedReplyAdminBase = admin.ModelAdmin[CannedReply]
    CustomEmailAdminBase = admin.ModelAdmin[CustomEmail]
    ParticipantInlineBase = admin.TabularInline[Participant, Ticket]
else:
    DeskAdminBase = TicketAdminBase = admin.ModelAdmin
    CannedReplyAdminBase = CustomEmailAdminBase = admin.ModelAdmin
    ParticipantInlineBase = admin.TabularInline


@admin.register(ServiceDesk)
class ServiceDeskAdmin(DeskAdminBase):
    list_display = ("project", "enabled", "key", "confidential")
    list_filter = ("enabled",)
    list_select_related = ("project",)
    search_fields = ("project__path", "key")
    autocomplete_fields = ("project",)


class ParticipantInline(ParticipantInlineBase):
    model = Participant
    extra = 0
    fields = ("address", "joined_at", "unsubscribed_at", "bounces", "bounce_reason")
    readonly_fields = ("joined_at", "bounces", "bounce_reason")

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        """People join by mail or by a quick action, so that the limits hold."""
        return False


@admin.register(Ticket)
class TicketAdmin(TicketAdminBase):
    list_display = ("issue", "requester", "waiting_since")
    list_select_related = ("issue__project",)
    search_fields = ("requester", "issue__title", "participants__address")
    readonly_fields = ("issue", "requester", "waiting_since", "snoozed_until")
    inlines = (ParticipantInline,)

    def has_add_permission(self, request: object) -> bool:
        return False


@admin.register(CannedReply)
class CannedReplyAdmin(CannedReplyAdminBase):
    list_display = ("title", "project")
    list_select_related = ("project",)
    search_fields = ("title", "text", "project__path")
    autocomplete_fields = ("project",)


@admin.register(CustomEmail)
class CustomEmailAdmin(CustomEmailAdminBase):
    """To look at; it is set up on the desk's page, where its verification starts with it."""

    list_display = ("address", "project", "enabled", "state", "retired_at")
    list_filter = ("enabled", "state")
    list_select_related = ("desk__project",)
    search_fields = ("address", "desk__project__path")
    exclude = ("password",)

    @admin.display(description=_("project"))
    def project(self, custom: CustomEmail) -> str:
        return str(custom.desk.project)

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False
