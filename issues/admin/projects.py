"""Projects, who is in them, and their labels."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, OuterRef, QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from issues import repositories, services
from issues.admin.rows import GuardedAdmin, TypedTabular
from issues.counting import CountOf, show_count
from issues.models import MAIL_FIELDS, Issue, Label, Membership, MergeRequest, Project

if TYPE_CHECKING:
    _MemberFormSet = BaseInlineFormSet[Membership, Model, ModelForm[Membership]]
    _ProjectForm = ModelForm[Project]
else:
    _MemberFormSet = BaseInlineFormSet
    _ProjectForm = ModelForm

MAX_SHOWN = 100
"""Branches that a page names."""


def count_of(model: type[Model], field: str, **condition: str) -> CountOf:
    """How many rows point to each row of the outer query by `field`; no join, so no product."""
    return CountOf(model._default_manager.filter(**{field: OuterRef("pk")}, **condition))


class MemberInline(TypedTabular[Membership]):
    """Who is in it. The person of a row stays, so that a row costs no query for a choice."""

    model = Membership
    verbose_name_plural = _("members")
    fields = ("user", "role")
    readonly_fields = ("user",)
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows = super().get_queryset(request)
        return rows.select_related("user", "project").order_by("-role", "user__username")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class NewMemberFormSet(_MemberFormSet):
    """Django leaves out constraints that the project is part of, so they are asked here."""

    def clean(self) -> None:
        super().clean()
        rows = Membership.objects.filter(project=self.instance.pk)
        members = set(rows.values_list("user_id", flat=True))
        for form in self.forms:
            user = form.cleaned_data.get("user")
            if user is not None and user.pk in members:
                form.add_error("user", _("This person is a member already. Change their role."))
            elif user is not None:
                members.add(user.pk)


class NewMemberInline(TypedTabular[Membership]):
    model = Membership
    formset = NewMemberFormSet
    verbose_name = _("new member")
    verbose_name_plural = _("new members")
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).none()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may only look have nothing to see here."""
        return self.has_add_permission(request, obj)


class ProjectForm(_ProjectForm):
    """The default branch needs a name that git takes; it need not be there yet."""

    def clean_default_branch(self) -> str:
        name: str = self.cleaned_data["default_branch"]
        try:
            repositories.require_branch_name(name)
        except repositories.Refused as refusal:
            raise ValidationError(str(refusal.sentence)) from refusal
        return name


@admin.register(Project)
class ProjectAdmin(GuardedAdmin[Project]):
    form = ProjectForm
    list_display = (
        *("path", "name", "visibility", "member_count", "issue_count"),
        *("merge_request_count", "created_at"),
    )
    list_filter = ("visibility", "created_at")
    search_fields = ("path", "name")
    ordering = ("path",)
    inlines = (MemberInline, NewMemberInline)
    fields = (
        *("path", "name", "description", "visibility", "default_branch", "protected_branches"),
        *MAIL_FIELDS,
        *("branches", "last_issue_number", "last_merge_request_number", "created_at"),
    )
    readonly_fields = (
        *("branches", "last_issue_number", "last_merge_request_number", "created_at"),
    )

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        services.save_project(project=obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        rows = super().get_queryset(request)
        return rows.annotate(
            members_n=count_of(Membership, "project"),
            issues_n=count_of(Issue, "project"),
            merge_requests_n=count_of(MergeRequest, "project"),
        )

    @admin.display(description=_("members"), ordering="members_n")
    def member_count(self, project: Any) -> int:
        return show_count(project.members_n)

    @admin.display(description=_("issues"), ordering="issues_n")
    def issue_count(self, project: Any) -> int:
        return show_count(project.issues_n)

    @admin.display(description=_("merge requests"), ordering="merge_requests_n")
    def merge_request_count(self, project: Any) -> int:
        return show_count(project.merge_requests_n)

    @admin.display(description=_("number of the last issue"))
    def last_issue_number(self, project: Project) -> int:
        return project.last_issue_iid

    @admin.display(description=_("number of the last merge request"))
    def last_merge_request_number(self, project: Project) -> int:
        return project.last_merge_request_iid

    @admin.display(description=_("branches"))
    def branches(self, project: Project) -> str:
        return ", ".join(repositories.find_branches(project)[:MAX_SHOWN]) or "-"

    def view_on_site(self, obj: Project) -> str:
        return reverse("project-detail", args=[obj.path])


@admin.register(Label)
class LabelAdmin(GuardedAdmin[Label]):
    list_display = ("name", "color", "project")
    list_select_related = ("project",)
    search_fields = ("name", "project__path")
    ordering = ("project__path", "name")
    autocomplete_fields = ("project",)
