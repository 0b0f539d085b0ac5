"""Mailboxes: how each is read, how it fares, its test, and reading it now."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from incoming_email import health
from incoming_email.admin.mailbox_form import MailboxForm
from incoming_email.admin.polling import poll
from incoming_email.credentials import UnreadableSecret
from incoming_email.inboxes.base import Answer
from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.outcomes import Status
from issues.admin.projects import count_of
from issues.admin.rows import GuardedAdmin, show_moment

if TYPE_CHECKING:
    from django.urls import URLPattern

TEST_STEP_SECONDS = 5.0
SETTINGS = ("name", "enabled", "purpose", "address", "inbox_method")
IMAP = (
    *("host", "port", "ssl", "start_tls", "user"),
    *("password_state", "password", "clear_password"),
    *("folder", "idle_timeout", "delete_after_delivery", "expunge_deleted"),
)
WRITE_ONLY = {"password", "clear_password"}
POLICIES = ("reply_sender_policy", "token_sender_policy", "trusted_authserv_id")
RETENTION = ("keep_raw_days", "keep_failed_days", "keep_trace_days", "keep_attachments_days")
STATE = ("last_success_at", "last_error", "failing_since", "alerted_at", "pending", "ledger")


@admin.register(Mailbox)
class MailboxAdmin(GuardedAdmin[Mailbox]):
    form = MailboxForm
    change_form_template = "admin/incoming_email/mailbox/change_form.html"
    list_display = (
        *("name", "enabled", "address", "inbox_method", "last_success", "fault"),
        *("failing", "pending", "ledger"),
    )
    list_filter = ("enabled", "inbox_method", "purpose")
    search_fields = ("name", "address", "host", "user")
    ordering = ("name",)
    readonly_fields = ("password_state", *STATE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mailbox]:
        pending = count_of(InboundEmail, "mailbox", status=Status.PENDING)
        return super().get_queryset(request).annotate(pending_n=pending)

    def get_fieldsets(self, request: HttpRequest, obj: Mailbox | None = None) -> Any:
        method = InboxMethod.IMAP if obj is None else obj.inbox_method
        imap = IMAP if obj is not None else tuple(f for f in IMAP if f != "password_state")
        if not self.has_change_permission(request, obj) and obj is not None:
            imap = tuple(name for name in imap if name not in WRITE_ONLY)
        sections = [
            (None, {"fields": SETTINGS}),
            (_("IMAP"), {"fields": imap, "classes": _folded(method != InboxMethod.IMAP)}),
            (_("SMTP"), {"fields": (), "description": _describe_door()}),
            (_("Sender policies"), {"fields": POLICIES, "description": POLICY_HELP}),
            (_("Retention"), {"fields": RETENTION, "classes": ("collapse",)}),
        ]
        return sections if obj is None else [*sections, (_("State"), {"fields": STATE})]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Each mailbox is deleted by itself, and only while nothing has come in by it."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Mailbox | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        if not allowed or obj is None:
            return allowed
        return not InboundEmail.objects.filter(mailbox=obj).exists()

    def get_urls(self) -> "list[URLPattern]":
        wrap = self.admin_site.admin_view
        name = "incoming_email_mailbox"
        return [
            path("<int:pk>/test/", wrap(self.test_view), name=f"{name}_test"),
            path("<int:pk>/poll/", wrap(self.poll_view), name=f"{name}_poll"),
            *super().get_urls(),
        ]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Asks the server step by step, with the settings as they are stored."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        mailbox = self._find(request, pk)
        checked = health.diagnose_mailbox(mailbox, timeout=TEST_STEP_SECONDS)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Test of mailbox %(name)s") % {"name": mailbox.name},
            "opts": self.opts,
            "original": mailbox,
            "server": next((line.server for line in checked), ""),
            "findings": [line.finding for line in checked],
            "has_failed": any(line.finding.answer is Answer.NO for line in checked),
        }
        return TemplateResponse(request, "admin/incoming_email/mailbox/test.html", context)

    def poll_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        mailbox = self._find(request, pk)
        polled = poll(mailbox)
        level = messages.ERROR if polled.has_failed else messages.SUCCESS
        self.message_user(request, polled.sentence, level)
        return redirect("admin:incoming_email_mailbox_change", pk)

    def _find(self, request: HttpRequest, pk: int) -> Mailbox:
        mailbox = self.get_object(request, str(pk))
        if mailbox is None:
            raise Http404
        if not self.has_change_permission(request, mailbox):
            raise PermissionDenied
        return mailbox

    @admin.display(description=_("stored password"))
    def password_state(self, mailbox: Mailbox) -> str:
        if isinstance(mailbox.password, UnreadableSecret):
            return str(
                _(
                    "It cannot be decrypted: no key of ENCRYPTION_KEYS fits it."
                    " Put the old key back, behind the new one, or enter the password again."
                )
            )
        return str(_("Set") if mailbox.password else _("Not set"))

    @admin.display(description=_("last success"), ordering="last_success_at")
    def last_success(self, mailbox: Mailbox) -> str:
        return show_moment(mailbox.last_success_at)

    @admin.display(description=_("failing since"), ordering="failing_since")
    def failing(self, mailbox: Mailbox) -> str:
        return show_moment(mailbox.failing_since)

    @admin.display(description=_("last error"))
    def fault(self, mailbox: Mailbox) -> str:
        return mailbox.last_error[:200] or "-"

    @admin.display(description=_("waiting"), ordering="pending_n")
    def pending(self, mailbox: Any) -> int:
        return int(mailbox.pending_n)

    @admin.display(description=_("inbound email"))
    def ledger(self, mailbox: Mailbox) -> str:
        address = reverse("admin:incoming_email_inboundemail_changelist")
        url = f"{address}?mailbox__id__exact={mailbox.pk}"
        return format_html('<a href="{}">{}</a>', url, _("Show"))


POLICY_HELP = _(
    "Whether the key in the address is enough, or From must fit it as well."
    " A message that does not fit is held for a person."
)


def _folded(is_folded: bool) -> tuple[str, ...]:
    return ("collapse",) if is_folded else ()


def _describe_door() -> str:
    return _(
        "With the method SMTP, Letterbox listens itself at %(host)s port %(port)s"
        " (python manage.py serve_smtp). Nothing has to be set here but the address."
    ) % {"host": settings.SMTP_DOOR_HOST, "port": settings.SMTP_DOOR_PORT}
