"""Merges of merge requests: what was asked for, before and after the branch has moved."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from issues.models.items import MergeRequest
from issues.models.people import User
from issues.models.versions import MAX_OBJECT_NAME, BranchMove


class Merge(models.Model):
    """The target branch goes from `old_sha` to `new_sha`, which contains `source_sha`.

    The row commits first, then the branch moves, then the merge request counts as merged: what a
    crash leaves unfinished is finished by the sweep.
    """

    merge_request = models.ForeignKey(MergeRequest, on_delete=models.CASCADE, related_name="merges")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    target_branch = models.CharField(_("target branch"), max_length=255)
    source_sha = models.CharField(_("merged commit"), max_length=MAX_OBJECT_NAME)
    old_sha = models.CharField(_("commit before"), max_length=MAX_OBJECT_NAME)
    new_sha = models.CharField(_("commit after"), max_length=MAX_OBJECT_NAME)
    branch_move = models.CharField(
        _("move of the branch"), max_length=10, choices=BranchMove, default=BranchMove.OWED
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merge_request"],
                condition=~Q(branch_move=BranchMove.OVERTAKEN),
                name="one_merge_a_merge_request",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["id"], condition=Q(branch_move=BranchMove.OWED), name="owed_merges"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merge_request} → {self.target_branch}"
