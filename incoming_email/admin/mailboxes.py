"""Mailboxes: settings, state, connection test, and polling."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from incoming_email.admin.backfilling import BackfillForm, carry_out
from incoming_email.admin.mailbox_form import MailboxForm
from incoming_email.admin.mailbox_presets import PRESETS, find_preset
from incoming_email.admin.mailbox_sections import STATE, STATES, choose_sections
from incoming_email.admin.polling import poll
from incoming_email.admin.probing import describe_history
from incoming_email.inboxes.base import Answer
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.monitoring import health, probes
from incoming_email.outcomes import Status
from incoming_email.secrets.credentials import UnreadableSecret
from issues.admin.projects import count_of
from issues.admin.rows import GuardedAdmin, show_moment
from issues.counting import show_count

if TYPE_CHECKING:
    from django.urls import URLPattern

TEST_STEP_SECONDS = 5.0


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
    readonly_fields = (*STATES, *STATE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mailbox]:
        pending = count_of(InboundEmail, "mailbox", status=Status.PENDING)
        return super().get_queryset(request).annotate(pending_n=pending)

    def get_fieldsets(self, request: HttpRequest, obj: Mailbox | None = None) -> Any:
        can_change = self.has_change_permission(request, obj)
        if obj is None:
            obj = Mailbox(**self.get_changeform_initial_data(request))
        return choose_sections(obj, can_change=can_change)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Of the preset that was chosen."""
        preset = find_preset(request.GET.get("preset", ""))
        return dict(preset.fields) if preset else {}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        preset = find_preset(request.GET.get("preset", ""))
        context = {"presets": PRESETS, "preset": preset, **(extra_context or {})}
        return super().add_view(request, form_url, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        mailbox = self.get_object(request, object_id)
        history = describe_history(mailbox) if mailbox else None
        may_see = request.user.has_perm("incoming_email.view_inboundemail")
        context = {"probes": history, "may_see_ledger": may_see, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Mailbox, form: Any, change: bool) -> None:
        if obj.enabled and "enabled" in form.changed_data:
            obj.enabled_at = timezone.now()
        super().save_model(request, obj, form, change)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Mailboxes are deleted one by one, and only while no message refers to them."""
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
            path("<int:pk>/probe/", wrap(self.probe_view), name=f"{name}_probe"),
            path("<int:pk>/backfill/", wrap(self.backfill_view), name=f"{name}_backfill"),
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

    def probe_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a probe through this mailbox and show how far it has come."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        mailbox = self._find(request, pk)
        obstacle = probes.find_obstacle(mailbox)
        if obstacle:
            self.message_user(request, obstacle, messages.ERROR)
        else:
            probe = probes.send(mailbox, now=timezone.now())
            self.log_change(request, mailbox, str(_("Sent probe %d.")) % probe.pk)
            sentence = _("A probe is on its way. Load this page again to see how far it has come.")
            self.message_user(request, sentence, messages.SUCCESS)
        return redirect("admin:incoming_email_mailbox_change", pk)

    def backfill_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Count, ingest, or skip what arrived before."""
        mailbox = self._find(request, pk)
        form = BackfillForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            sentence, is_done = carry_out(mailbox, form, now=timezone.now())
            self.message_user(request, sentence, messages.SUCCESS if is_done else messages.ERROR)
            mailbox.refresh_from_db(fields=["starts_at"])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Older mail of %(name)s") % {"name": mailbox.name},
            "opts": self.opts,
            "original": mailbox,
            "form": form,
        }
        return TemplateResponse(request, "admin/incoming_email/mailbox/backfill.html", context)

    def _find(self, request: HttpRequest, pk: int) -> Mailbox:
        mailbox = self.get_object(request, str(pk))
        if mailbox is None:
            raise Http404
        if not self.has_change_permission(request, mailbox):
            raise PermissionDenied
        return mailbox

    @admin.display(description=_("stored password"))
    def password_state(self, mailbox: Mailbox) -> str:
        return describe_secret(mailbox.password)

    @admin.display(description=_("stored client secret"))
    def client_secret_state(self, mailbox: Mailbox) -> str:
        return describe_secret(mailbox.client_secret)

    @admin.display(description=_("stored refresh token"))
    def refresh_token_state(self, mailbox: Mailbox) -> str:
        return describe_secret(mailbox.refresh_token)

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
        return show_count(mailbox.pending_n)

    @admin.display(description=_("inbound email"))
    def ledger(self, mailbox: Mailbox) -> str:
        address = reverse("admin:incoming_email_inboundemail_changelist")
        url = f"{address}?mailbox__id__exact={mailbox.pk}"
        return format_html('<a href="{}">{}</a>', url, _("Show"))


def describe_secret(secret: str) -> str:
    if isinstance(secret, UnreadableSecret):
        return str(
            _(
                "It cannot be decrypted: no key of ENCRYPTION_KEYS fits it."
                " Add the old key again, after the new one, or enter the password again."
            )
        )
    return str(_("Set") if secret else _("Not set"))
