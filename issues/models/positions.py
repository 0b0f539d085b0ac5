"""Where in a diff a discussion began."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from issues.models.items import Note
from issues.models.versions import MAX_OBJECT_NAME


class NotePosition(models.Model):
    """The line that the first note of a discussion is about. Replies share it by their discussion.

    Numbers count in the file as `blob` has it, so they hold for every version with that content.
    """

    note = models.OneToOneField(Note, on_delete=models.CASCADE, related_name="position")
    base_sha = models.CharField(_("base commit"), max_length=MAX_OBJECT_NAME)
    head_sha = models.CharField(_("head commit"), max_length=MAX_OBJECT_NAME)
    old_path = models.TextField(_("path before"))
    path = models.TextField(_("path"))
    old_line = models.PositiveIntegerField(_("line before"), null=True)
    new_line = models.PositiveIntegerField(_("line"), null=True)
    blob = models.CharField(max_length=MAX_OBJECT_NAME)
    """Content of the file: after the change, or before it for a line that was removed."""

    excerpt = models.TextField(_("lines"))
    """The line and those above it, as a diff has them: mails and old versions quote it."""

    class Meta:
        verbose_name = _("position of a note")
        verbose_name_plural = _("positions of notes")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(old_line__isnull=False) | Q(new_line__isnull=False),
                name="position_has_a_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.number}"

    @property
    def number(self) -> int:
        return self.new_line or self.old_line or 0
