"""Erasing a person in the admin: first a list of what would be erased, then the confirmation."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incoming_email.models import Erasure
from incoming_email.upkeep import erasing
from issues.admin.rows import KeptAdmin, show_moment
from issues.models import User


class PersonForm(forms.Form):
    """Names a person, who is then found."""

    person = forms.CharField(label=_("Address or user name"), max_length=254)

    def clean_person(self) -> erasing.Person:
        try:
            return erasing.find_person(self.cleaned_data["person"])
        except erasing.NobodyError as error:
            raise forms.ValidationError(str(error)) from None


@admin.register(Erasure)
class ErasureAdmin(KeptAdmin[Erasure]):
    """Read-only; "add" erases, for superusers alone."""

    list_display = ("number", "erased", "erased_by")
    list_select_related = ("erased_by",)
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("erased", "erased_by", "what")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and request.user.is_superuser

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PersonForm(request.POST or None)
        preview = None
        if request.method == "POST" and form.is_valid():
            person: erasing.Person = form.cleaned_data["person"]
            by = request.user if isinstance(request.user, User) else None
            if by is not None and person.user == by:
                form.add_error("person", _("You can't erase yourself. Ask another superuser."))
            elif "confirm" in request.POST:
                return self._erase(request, person, by)
            else:
                preview = erasing.erase(person, by=by, now=timezone.now(), dry_run=True)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Erase a person"),
            "opts": self.opts,
            "form": form,
            "preview": preview,
        }
        return TemplateResponse(request, "admin/incoming_email/erasure/add.html", context)

    def _erase(self, request: HttpRequest, person: erasing.Person, by: User | None) -> HttpResponse:
        erased = erasing.erase(person, by=by, now=timezone.now())
        if erased.counts:
            said = _("Erased. Backups still contain it until they are overwritten.")
            self.message_user(request, str(said), messages.SUCCESS)
        else:
            self.message_user(
                request, str(_("No data of this person is stored.")), messages.WARNING
            )
        return redirect("admin:incoming_email_erasure_changelist")

    @admin.display(description=_("no."))
    def number(self, row: Erasure) -> int:
        return int(row.pk)

    @admin.display(description=_("erased at"))
    def erased(self, row: Erasure) -> str:
        return show_moment(row.erased_at)

    @admin.display(description=_("what was erased"))
    def what(self, row: Erasure) -> str:
        return ", ".join(f"{name}: {count}" for name, count in row.counts)
