"""The desks in the admin, and who takes part in which ticket."""

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _

from issues.admin.rows import GuardedAdmin, TypedTabular
from servicedesk.models import CannedReply, CustomEmail, Participant, ServiceDesk, Ticket
from servicedesk.wording import find_unread

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(ServiceDesk)
class ServiceDeskAdmin(GuardedAdmin[ServiceDesk]):
    list_display = ("project", "enabled", "key", "confidential")
    list_filter = ("enabled",)
    list_select_related = ("project",)
    search_fields = ("project__path", "key")
    autocomplete_fields = ("project",)

    def save_model(
        self, request: "HttpRequest", obj: ServiceDesk, form: object, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        for sentence in find_unread(obj):
            self.message_user(request, sentence, messages.WARNING)


class ParticipantInline(TypedTabular[Participant]):
    model = Participant
    extra = 0
    fields = ("address", "joined_at", "unsubscribed_at", "bounces", "bounce_reason")
    readonly_fields = ("joined_at", "bounces", "bounce_reason")

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        """People join by mail or by a quick action, so that the limits hold."""
        return False


@admin.register(Ticket)
class TicketAdmin(GuardedAdmin[Ticket]):
    list_display = ("issue", "requester", "waiting_since")
    list_select_related = ("issue__project",)
    search_fields = ("requester", "issue__title", "participants__address")
    readonly_fields = ("issue", "requester", "waiting_since", "snoozed_until")
    inlines = (ParticipantInline,)

    def has_add_permission(self, request: object) -> bool:
        return False


@admin.register(CannedReply)
class CannedReplyAdmin(GuardedAdmin[CannedReply]):
    list_display = ("title", "project")
    list_select_related = ("project",)
    search_fields = ("title", "text", "project__path")
    autocomplete_fields = ("project",)


@admin.register(CustomEmail)
class CustomEmailAdmin(GuardedAdmin[CustomEmail]):
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
