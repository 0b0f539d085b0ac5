"""Issues, merge requests, their notes and files: to look at, with a few fields to correct."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from issues import services
from issues.admin.projects import count_of
from issues.admin.rows import GuardedAdmin, Row
from issues.counting import show_count
from issues.models import Issue, MergeRequest, Note, Upload, User, note_address


def name_author(author: User | None, external_author: str) -> str:
    return str(author) if author is not None else external_author


class ItemAdmin(GuardedAdmin[Row]):
    """Items are written on the pages and by mail; here they are found and corrected, never made."""

    list_select_related = ("project", "author")
    ordering = ("-pk",)
    linkable = ("project", "author")
    sortable_by = ("created_at", "state")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """The admin asks the same question as the pages and the mail."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or _may_correct(request.user, obj))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What a service refuses though the form took it is said, and nothing is saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except services.Invalid as refusal:
            for message in refusal.messages:
                self.message_user(request, message, messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Row, form: Any, change: bool) -> None:
        """Only through the services, so that each change leaves its system note."""
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        item = type(obj)._default_manager.get(pk=obj.pk)
        if isinstance(item, Issue | MergeRequest) and isinstance(request.user, User):
            _correct(item, request.user, values)


def _may_correct(user: User | AnonymousUser, item: Model) -> bool:
    return user.has_perm("issues.edit_item", item) and user.has_perm("issues.triage_item", item)


def _correct(item: Issue | MergeRequest, actor: User, values: dict[str, Any]) -> None:
    for name, correct in services.find_correctable(type(item)).items():
        if name in values:
            correct(item=item, actor=actor, **{name: values[name]})


@admin.register(Issue)
class IssueAdmin(ItemAdmin[Issue]):
    list_display = (
        *("__str__", "title", "state", "written_by", "confidential", "locked"),
        *("note_count", "created_at"),
    )
    list_filter = (
        *("state", "confidential", "locked", ("spam_at", admin.EmptyFieldListFilter)),
        "created_at",
    )
    search_fields = ("title", "=iid", "project__path", "author__username", "external_author")
    readonly_fields = (
        *("project", "iid", "state", "duplicate_of", "written_by", "assignees", "labels"),
        *("spam_at", "merged_into"),
        *("note_count", "created_at", "closed_at"),
    )
    fields = (*services.find_correctable(Issue), *readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issue]:
        return super().get_queryset(request).annotate(notes_n=count_of(Note, "issue"))

    @admin.display(description=_("author"))
    def written_by(self, issue: Issue) -> str:
        return name_author(issue.author, issue.external_author)

    @admin.display(description=_("notes"))
    def note_count(self, issue: Any) -> int:
        return show_count(issue.notes_n)

    def view_on_site(self, obj: Issue) -> str:
        return reverse("issue-detail", args=[obj.project.path, obj.iid])


@admin.register(MergeRequest)
class MergeRequestAdmin(ItemAdmin[MergeRequest]):
    list_display = (
        *("__str__", "title", "state", "written_by", "source_branch", "target_branch"),
        *("draft", "locked", "note_count", "created_at"),
    )
    list_filter = ("state", "draft", "locked", "created_at")
    search_fields = ("title", "=iid", "project__path", "author__username", "source_branch")
    readonly_fields = (
        *("project", "iid", "state", "draft", "written_by", "source_branch", "target_branch"),
        *("assignees", "labels", "note_count", "created_at", "closed_at"),
    )
    fields = (*services.find_correctable(MergeRequest), *readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MergeRequest]:
        return super().get_queryset(request).annotate(notes_n=count_of(Note, "merge_request"))

    @admin.display(description=_("author"))
    def written_by(self, merge_request: MergeRequest) -> str:
        return name_author(merge_request.author, "")

    @admin.display(description=_("notes"))
    def note_count(self, merge_request: Any) -> int:
        return show_count(merge_request.notes_n)

    def view_on_site(self, obj: MergeRequest) -> str:
        return reverse("merge-request-detail", args=[obj.project.path, obj.iid])


@admin.register(Note)
class NoteAdmin(GuardedAdmin[Note]):
    """The quoted part is not shown: it contains addresses of ours with a key in them."""

    list_display = ("pk", "item", "written_by", "beginning", "internal", "system", "created_at")
    list_filter = ("internal", "system", "created_at")
    list_select_related = ("issue__project", "merge_request__project", "author")
    search_fields = ("body", "author__username", "external_author")
    linkable = ("issue", "merge_request", "author")
    ordering = ("-pk",)
    sortable_by = ("created_at",)
    fields = ("body", "internal", "item", "written_by", "system", "created_at")
    readonly_fields = ("item", "written_by", "system", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Note | None = None) -> bool:
        """A system note is a record of what was done."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (
            obj is None or (not obj.system and _may_correct(request.user, obj.item))
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Note | None = None) -> Any:
        """One note of an internal discussion is not made public: it quotes and answers the rest."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "internal") if obj is not None and _has_internal_others(obj) else fields

    @admin.display(description=_("on"))
    def item(self, note: Note) -> str:
        return str(note.item)

    @admin.display(description=_("author"))
    def written_by(self, note: Note) -> str:
        return name_author(note.author, note.external_author)

    @admin.display(description=_("text"))
    def beginning(self, note: Note) -> str:
        return note.body[:80]

    def view_on_site(self, obj: Note) -> str:
        page = "issue-detail" if obj.issue else "merge-request-detail"
        return note_address(reverse(page, args=[obj.item.project.path, obj.item.iid]), obj.pk)


def _has_internal_others(note: Note) -> bool:
    others = Note.objects.filter(discussion=note.discussion, internal=True).exclude(pk=note.pk)
    return note.internal and others.exists()


@admin.register(Upload)
class UploadAdmin(GuardedAdmin[Upload]):
    """Its secret, which makes the address of the file, is not shown."""

    list_display = ("filename", "content_type", "size", "project", "uploader", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("project", "uploader")
    search_fields = ("filename", "content_type", "project__path", "uploader__username")
    ordering = ("-pk",)
    sortable_by = ("size", "created_at")
    fields = (
        *("filename", "content_type", "size", "project", "issue", "merge_request", "note"),
        *("uploader", "created_at"),
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False
