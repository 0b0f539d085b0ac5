"""Versions of merge requests: what the repository holds, to look at."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from issues.admin.rows import KeptAdmin
from issues.models import MergeRequestVersion

SHOWN_DIGITS = 12


@admin.register(MergeRequestVersion)
class MergeRequestVersionAdmin(KeptAdmin[MergeRequestVersion]):
    """Made of mailed patches and branches alone."""

    list_display = (
        *("__str__", "author", "patch_count", "revision", "head", "branch_move", "created_at"),
    )
    list_filter = ("branch_move", "created_at")
    list_select_related = ("merge_request__project", "author")
    search_fields = ("merge_request__project__path", "=head_sha", "merge_request__source_branch")
    linkable = ("merge_request", "author")
    ordering = ("-pk",)
    sortable_by = ("created_at",)
    fields = (
        *("merge_request", "number", "revision", "author", "patch_count"),
        *("base_sha", "head_sha", "old_sha", "branch_move", "created_at"),
    )
    readonly_fields = fields

    @admin.display(description=_("head commit"))
    def head(self, version: MergeRequestVersion) -> str:
        return version.head_sha[:SHOWN_DIGITS]
