"""Reply keys, sender tokens and heartbeats: secrets to withdraw, never to read."""

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from incoming_email.keys import sender_tokens
from incoming_email.models import Heartbeat, ReplyKey, SenderToken
from issues.admin.rows import KeptAdmin, show_moment


@admin.register(ReplyKey)
class ReplyKeyAdmin(KeptAdmin[ReplyKey]):
    """Searched by the whole key or not at all, so that nobody finds one character by character."""

    list_display = ("__str__", "person", "item", "created", "expires", "revoked")
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter),
        ("expires_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("recipient", "issue__project", "merge_request__project")
    search_fields = ("=key", "recipient__username", "recipient__email", "external_email")
    ordering = ("-pk",)
    sortable_by = ("created", "expires", "revoked")
    actions = ("revoke",)
    fields = ("__str__", "person", "item", "created", "expires", "revoked")
    readonly_fields = fields

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("incoming_email.change_replykey")

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    @transaction.atomic
    def revoke(self, request: HttpRequest, queryset: QuerySet[ReplyKey]) -> None:
        valid = list(queryset.filter(revoked_at=None))
        rows = ReplyKey.objects.filter(pk__in=[row.pk for row in valid], revoked_at=None)
        count = rows.update(revoked_at=timezone.now())
        for row in valid:
            self.log_change(request, row, str(_("Revoked.")))
        said = ngettext(
            "%(count)d key was revoked. Replies to it are rejected.",
            "%(count)d keys were revoked. Replies to them are rejected.",
            count,
        )
        self.message_user(request, said % {"count": count}, messages.SUCCESS)

    @admin.display(description=_("person"))
    def person(self, row: ReplyKey) -> str:
        return row.external_email if row.recipient is None else str(row.recipient)

    @admin.display(description=_("on"))
    def item(self, row: ReplyKey) -> str:
        return str(row.item)

    @admin.display(description=_("created at"), ordering="created_at")
    def created(self, row: ReplyKey) -> str:
        return show_moment(row.created_at)

    @admin.display(description=_("expires at"), ordering="expires_at")
    def expires(self, row: ReplyKey) -> str:
        return show_moment(row.expires_at)

    @admin.display(description=_("revoked at"), ordering="revoked_at")
    def revoked(self, row: ReplyKey) -> str:
        return show_moment(row.revoked_at)


@admin.register(SenderToken)
class SenderTokenAdmin(KeptAdmin[SenderToken]):
    list_display = ("user", "changed")
    search_fields = ("user__username", "user__email")
    ordering = ("user__username",)
    actions = ("reset",)
    fields = ("user", "changed")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[SenderToken]:
        """The token is not even read."""
        rows = super().get_queryset(request).select_related("user")
        return rows.defer("token", "digest")

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("incoming_email.change_sendertoken")

    @admin.action(description=_("Reset: the private addresses stop working"), permissions=["reset"])
    def reset(self, request: HttpRequest, queryset: QuerySet[SenderToken]) -> None:
        rows = list(queryset)
        for row in rows:
            with transaction.atomic():
                sender_tokens.reset_token(user=row.user, now=timezone.now())
                self.log_change(request, row, str(_("Reset.")))
        said = ngettext(
            "The private addresses of %(count)d person are new. They find them on their pages.",
            "The private addresses of %(count)d people are new. They find them on their pages.",
            len(rows),
        )
        self.message_user(request, said % {"count": len(rows)}, messages.SUCCESS)

    @admin.display(description=_("changed at"), ordering="changed_at")
    def changed(self, row: SenderToken) -> str:
        return show_moment(row.changed_at)


@admin.register(Heartbeat)
class HeartbeatAdmin(KeptAdmin[Heartbeat]):
    list_display = ("process", "seen")
    list_display_links = ("process",)
    ordering = ("name",)
    fields = ("process", "seen")
    readonly_fields = fields

    @admin.display(description=_("process"), ordering="name")
    def process(self, row: Heartbeat) -> str:
        return row.name

    @admin.display(description=_("last seen alive"), ordering="seen_at")
    def seen(self, row: Heartbeat) -> str:
        return show_moment(row.seen_at)
