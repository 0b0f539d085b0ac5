"""Former paths of projects and former numbers of issues: links and addresses that have them still
lead there."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from issues.models.items import Issue
from issues.models.projects import Project


class FormerPath(models.Model):
    """A path that the project had. It counts while no project has it."""

    path = models.CharField(_("path"), max_length=255, unique=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="former_paths")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("former path")
        verbose_name_plural = _("former paths")

    def __str__(self) -> str:
        return self.path


class FormerNumber(models.Model):
    """A number that the issue had in a project that it was moved from. No other issue gets it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="former_numbers")
    iid = models.PositiveIntegerField(_("number"))
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="former_numbers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("former number")
        verbose_name_plural = _("former numbers")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "iid"], name="one_issue_a_former_number"),
        ]

    def __str__(self) -> str:
        return f"{self.project.path}#{self.iid}"
