"""The admin of outgoing mail: its text, its state, and sending again what failed."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from issues import outbox
from issues.admin.framing import serve_in_frame, show_frame
from issues.admin.redaction import redact_header, redact_text
from issues.admin.rows import KeptAdmin, show_moment
from issues.models import OutgoingAccount, OutgoingEmail, OutgoingState

if TYPE_CHECKING:
    from django.urls import URLPattern


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(KeptAdmin[OutgoingEmail]):
    list_display = (
        *("kind", "to", "shown_subject", "state", "attempts", "created", "sent"),
        "fault",
    )
    list_filter = ("state", "kind", "created_at")
    search_fields = ("recipient", "subject", "=message_id")
    sortable_by = ("created", "sent")
    linkable = ("project",)
    ordering = ("-pk",)
    actions = ("send_again",)
    fieldsets = (
        (None, {"fields": ("kind", "project", "state", "attempts", "fault")}),
        (_("Dates"), {"fields": ("created_at", "next_attempt_at", "sent_at")}),
        (
            _("Header"),
            {
                "fields": (
                    *("to", "return_path", "shown_id", "sender", "shown_subject"),
                    "other_fields",
                )
            },
        ),
        (_("Body"), {"fields": ("shown_text", "shown_html")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingEmail]:
        rows = super().get_queryset(request).select_related("project")
        failing = OutgoingAccount.objects.failing().filter(account=OuterRef("account"))
        rows = rows.annotate(account_error=Subquery(failing.values("last_error")))
        return rows.defer("text", "html", "headers", "project__description")

    def get_urls(self) -> "list[URLPattern]":
        preview = self.admin_site.admin_view(self.preview_view)
        return [
            path("<int:pk>/html/", preview, name="issues_outgoingemail_html"),
            *super().get_urls(),
        ]

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("issues.change_outgoingemail")

    @admin.action(description=_("Send again what failed"), permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingEmail]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with transaction.atomic():
            failed = OutgoingEmail.objects.filter(pk__in=ids, state=OutgoingState.FAILED).exclude(
                recipient=""  # of a person who was erased
            )
            columns = ("kind", "recipient", "account")
            chosen = list(failed.select_for_update().only(*columns).order_by("pk"))
            anew = {"next_attempt_at": timezone.now(), "attempts": 0, "first_attempt_at": None}
            failed.update(state=OutgoingState.PENDING, **anew)
            for account in {row.account for row in chosen}:
                outbox.try_again(account)
            for row in chosen:
                self.log_change(request, row, str(_("Sent again.")))
            outbox.wake_worker()
        said = ngettext(
            "%(count)d email will be sent again; those that did not fail are left alone.",
            "%(count)d emails will be sent again; those that did not fail are left alone.",
            len(chosen),
        )
        level = messages.SUCCESS if chosen else messages.WARNING
        self.message_user(request, said % {"count": len(chosen)}, level)

    @admin.display(description=_("created at"), ordering="created_at")
    def created(self, row: OutgoingEmail) -> str:
        return show_moment(row.created_at)

    @admin.display(description=_("sent at"), ordering="sent_at")
    def sent(self, row: OutgoingEmail) -> str:
        return show_moment(row.sent_at)

    @admin.display(description=_("last error"))
    def fault(self, row: OutgoingEmail) -> str:
        """Its own, or what keeps all mail of its account waiting."""
        error = row.last_error
        if not error and row.state == OutgoingState.PENDING:
            error = str(getattr(row, "account_error", None) or "")
        return redact_text(error) or "-"

    @admin.display(description=_("to"))
    def to(self, row: OutgoingEmail) -> str:
        return redact_header(row.recipient)

    @admin.display(description=_("envelope sender"))
    def return_path(self, row: OutgoingEmail) -> str:
        """Of personal mail it holds the recipient's reply key."""
        return redact_header(row.envelope_sender) or "<>"

    @admin.display(description=_("Message-ID"))
    def shown_id(self, row: OutgoingEmail) -> str:
        return redact_header(row.message_id)

    @admin.display(description=_("from"))
    def sender(self, row: OutgoingEmail) -> str:
        return redact_header(row.from_header)

    @admin.display(description=_("subject"))
    def shown_subject(self, row: OutgoingEmail) -> str:
        return redact_text(row.subject)

    @admin.display(description=_("other header fields"))
    def other_fields(self, row: OutgoingEmail) -> SafeString:
        fields = ((name, redact_header(str(value))) for name, value in row.headers.items())
        return format_html_join("", '<div class="header-field">{}: {}</div>', fields)

    @admin.display(description=_("text"))
    def shown_text(self, row: OutgoingEmail) -> SafeString:
        return format_html('<pre class="mail-text">{}</pre>', redact_text(row.text))

    @admin.display(description=_("HTML"))
    def shown_html(self, row: OutgoingEmail) -> str:
        if not row.html:
            return "-"
        url = reverse("admin:issues_outgoingemail_html", args=[row.pk])
        return show_frame(url, str(_("The HTML of the mail")))

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row: Any = self.get_object(request, str(pk))
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        return serve_in_frame(request, redact_text(row.html))
