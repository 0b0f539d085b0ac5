"""Versions of a merge request: each time that patches or pushes changed its commits."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from issues.models.items import MergeRequest
from issues.models.people import User

MAX_OBJECT_NAME = 64
"""Hexadecimal digits of SHA-256; SHA-1 has 40."""


class BranchMove(models.TextChoices):
    """The state of the branch that a version moves; it moves after the row has committed."""

    OWED = "owed", _("owed")
    DONE = "done", _("done")
    OVERTAKEN = "overtaken", _("overtaken: somebody else moved the branch")


class MergeRequestVersion(models.Model):
    """The commits of a merge request at one time: from `base` (not included) to `head`."""

    merge_request = models.ForeignKey(
        MergeRequest,
        on_delete=models.CASCADE,
        related_name="versions",
        verbose_name=_("merge request"),
    )
    number = models.PositiveIntegerField(_("version"))
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    base_sha = models.CharField(_("base commit"), max_length=MAX_OBJECT_NAME)
    head_sha = models.CharField(_("head commit"), max_length=MAX_OBJECT_NAME)
    old_sha = models.CharField(
        _("commit before"),
        max_length=MAX_OBJECT_NAME,
        blank=True,
        help_text=_("Where the source branch stood before; empty if this version made it."),
    )
    patch_count = models.PositiveIntegerField(_("patches"))
    revision = models.PositiveIntegerField(
        _("revision of the sender"), default=1, help_text=_("2 for patches sent as [PATCH v2].")
    )
    source = models.CharField(max_length=100, unique=True, null=True, blank=True, editable=False)
    """The cause, under a permanent name (`inbound-42`): the same cause can't make a second one."""

    branch_move = models.CharField(
        _("move of the branch"), max_length=10, choices=BranchMove, default=BranchMove.OWED
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merge_request", "number"], name="one_version_a_number"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["id"], condition=Q(branch_move=BranchMove.OWED), name="owed_branch_moves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merge_request} v{self.number}"
