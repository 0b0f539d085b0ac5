"""The admin of the ledger: the state of every message, and what a person can do about it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from incoming_email.admin import ledger_failed
from incoming_email.admin.ledger_actions import BUTTONS, press
from incoming_email.admin.ledger_export import export_rows
from incoming_email.admin.ledger_list import (
    HandlerFilter,
    LedgerList,
    ReasonFilter,
    VersionFilter,
)
from incoming_email.admin.ledger_look import show_html, show_look
from incoming_email.admin.ledger_page import describe
from incoming_email.admin.ledger_trying import TryForm, compare, try_again, try_upload
from incoming_email.admin.redaction import Redactor
from incoming_email.models import InboundEmail, ledger_search
from incoming_email.outcomes import Status
from incoming_email.templatetags.machine_words import in_words
from issues.admin.framing import serve_in_frame
from issues.admin.rows import GuardedAdmin, show_moment
from issues.models import User

if TYPE_CHECKING:
    from django.urls import URLPattern


@admin.register(InboundEmail)
class InboundEmailAdmin(GuardedAdmin[InboundEmail]):
    list_display = (
        *("number", "received", "status_badge", "short_reason", "sender", "subject", "outcome"),
        "mailbox",
    )
    list_display_links = ("number", "received", "subject")
    list_filter = ("status", ReasonFilter, "mailbox", HandlerFilter, VersionFilter, "received_at")
    list_select_related = ("mailbox",)
    linkable = ("duplicate_of", "project")
    sortable_by = ("received",)
    ordering = ("-pk",)
    search_fields = ledger_search.COLUMNS  # has Django show the field; `ledger_search` looks
    fieldsets = ()
    actions = ("process_again", "release", "discard", "export")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LedgerList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[InboundEmail], search_term: str
    ) -> tuple[QuerySet[InboundEmail], bool]:
        """A Message-ID is often copied with its angle brackets; rows hold it without."""
        return ledger_search.search(queryset, search_term.strip().strip("<>")), False

    def get_fieldsets(self, request: HttpRequest, obj: InboundEmail | None = None) -> Any:
        """The page has no form: the template draws it from `describe`."""
        return []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: InboundEmail | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: InboundEmail | None = None) -> bool:
        """The ledger is the audit."""
        return isinstance(request.user, User) and request.user.is_superuser

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        may_see = self.has_view_permission(request)
        return may_see and request.user.has_perm("incoming_email.requeue_inboundemail")

    def has_download_permission(self, request: HttpRequest) -> bool:
        may_see = self.has_view_permission(request)
        return may_see and request.user.has_perm("incoming_email.download_raw")

    def get_urls(self) -> "list[URLPattern]":
        wrap = self.admin_site.admin_view
        name = "incoming_email_inboundemail"
        return [
            path("try/", wrap(self.try_view), name=f"{name}_try"),
            path("failed/", wrap(self.failed_view), name=f"{name}_failed"),
            path("<int:pk>/preview/", wrap(self.preview_view), name=f"{name}_preview"),
            path("<int:pk>/html/", wrap(self.html_view), name=f"{name}_html"),
            path("<int:pk>/raw/", wrap(self.raw_view), name=f"{name}_raw"),
            path("<int:pk>/press/<slug:button>/", wrap(self.press_view), name=f"{name}_press"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: InboundEmail = kwargs["obj"]
        may_press = self.has_requeue_permission(request)
        redactor = Redactor.load()
        context["page"] = describe(row, redactor)
        context["buttons"] = [
            (name, button.label)
            for name, button in BUTTONS.items()
            if may_press and button.fits(row)
        ]
        is_whole = bool(row.raw)  # not purged, and handed over by its mail server
        context["may_download"] = is_whole and self.has_download_permission(request)
        if is_whole and not context["page"].is_unread:
            context["look"] = show_look(row, redactor, with_body=context["may_download"])
        context["may_try"] = is_whole and may_press and row.status != Status.PROCESSED
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description=_("Process again"), permissions=["requeue"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[InboundEmail]) -> None:
        self._press(request, "process-again", _ids(queryset))

    @admin.action(description=_("Release what is held"), permissions=["requeue"])
    def release(self, request: HttpRequest, queryset: QuerySet[InboundEmail]) -> None:
        self._press(request, "release", _ids(queryset))

    @admin.action(description=_("Discard what is held"), permissions=["requeue"])
    def discard(self, request: HttpRequest, queryset: QuerySet[InboundEmail]) -> None:
        self._press(request, "discard", _ids(queryset))

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def export(
        self, request: HttpRequest, queryset: QuerySet[InboundEmail]
    ) -> StreamingHttpResponse:
        LogEntry.objects.create(
            user_id=request.user.pk or 0,
            content_type=ContentType.objects.get_for_model(InboundEmail),
            object_repr=str(self.opts.verbose_name_plural),
            action_flag=CHANGE,
            change_message=str(_("Exported as CSV: %(count)d.") % {"count": queryset.count()}),
        )
        return export_rows(queryset)

    def try_view(self, request: HttpRequest) -> HttpResponseBase:
        """Shows the result of processing an uploaded message; nothing is stored and nothing is
        sent."""
        if not self.has_requeue_permission(request):
            raise PermissionDenied
        form = TryForm(request.POST or None, request.FILES or None)
        context = {"title": _("Try a message without effect"), "form": form}
        if request.method == "POST" and form.is_valid():
            row = try_upload(form, now=timezone.now())
            context["page"] = describe(row, Redactor.load())
        return self._show(request, context)

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Shows what another attempt would change; a POST, since it takes as long as an attempt."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_requeue_permission(request):
            raise PermissionDenied
        row = InboundEmail.objects.filter(pk=pk, raw_purged_at=None).first()
        if row is None or row.status == Status.PROCESSED:
            raise Http404
        fresh, redactor = try_again(row, now=timezone.now()), Redactor.load()
        title = _("What would differ in inbound email %(pk)d") % {"pk": pk}
        differences = compare(row, fresh, redactor)
        page = describe(fresh, redactor)
        return self._show(
            request, {"title": title, "original": row, "differences": differences, "page": page}
        )

    def failed_view(self, request: HttpRequest) -> HttpResponseBase:
        """Shows what an earlier version failed at: counted, previewed, or all of it processed
        again."""
        if not self.has_requeue_permission(request):
            raise PermissionDenied
        if request.method == "POST" and "again" in request.POST:
            started, sentence = ledger_failed.start(user_id=request.user.pk or 0)
            level = messages.SUCCESS if started else messages.ERROR
            self.message_user(request, sentence, level)
            return redirect("admin:incoming_email_inboundemail_changelist")
        now = timezone.now() if request.method == "POST" else None
        title = _("Failed before this version")
        failed = ledger_failed.describe_failed(now=now)
        return self._show(request, {"title": title, "failed": failed}, page="failed")

    def _show(
        self, request: HttpRequest, context: dict[str, Any], page: str = "try"
    ) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/incoming_email/inboundemail/{page}.html", context)

    def press_view(self, request: HttpRequest, pk: int, button: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_requeue_permission(request):
            raise PermissionDenied
        if button not in BUTTONS or not InboundEmail.objects.filter(pk=pk).exists():
            raise Http404
        self._press(request, button, [pk])
        return redirect("admin:incoming_email_inboundemail_change", pk)

    def _press(self, request: HttpRequest, name: str, ids: Sequence[int]) -> None:
        did, sentence = press(BUTTONS[name], ids, user_id=request.user.pk or 0)
        self.message_user(request, sentence, messages.SUCCESS if did else messages.WARNING)

    def html_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The HTML alone, for a frame that can do nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = InboundEmail.objects.filter(pk=pk, raw_purged_at=None).first()
        html = show_html(row, Redactor.load()) if row else ""
        if not html:
            raise Http404
        return serve_in_frame(request, html)

    def raw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return never_cache(self._download)(request, pk)

    def _download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The bytes as they came, secrets included: so each time is recorded, and first."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if not self.has_download_permission(request):
            raise PermissionDenied
        row = InboundEmail.objects.filter(pk=pk, raw_purged_at=None).first()
        if row is None:
            raise Http404
        self.log_change(request, row, str(_("Downloaded the raw message.")))
        response = HttpResponse(bytes(row.raw), content_type="message/rfc822")
        response["Content-Disposition"] = f'attachment; filename="inbound-{pk}.eml"'
        return response

    @admin.display(description=_("no."))
    def number(self, row: InboundEmail) -> int:
        return int(row.pk)

    @admin.display(description=_("received at"), ordering="received_at")
    def received(self, row: InboundEmail) -> str:
        return show_moment(row.received_at)

    @admin.display(description=_("status"))
    def status_badge(self, row: InboundEmail) -> str:
        label = row.get_status_display()
        return format_html('<span class="badge status-{}">{}</span>', row.status, label)

    @admin.display(description=_("reason"))
    def short_reason(self, row: InboundEmail) -> str:
        return in_words(row.reason)


def _ids(queryset: QuerySet[InboundEmail]) -> list[int]:
    return list(queryset.order_by("pk").values_list("pk", flat=True))
