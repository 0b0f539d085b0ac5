"""Answers that a team gives often."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from issues.models import Project
from servicedesk.placeholders import IN_CANNED_REPLIES, find_unknown


class CannedReply(models.Model):
    """A text that is put into the comment form of a ticket, its placeholders filled in."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="canned_replies")
    title = models.CharField(_("title"), max_length=100)
    text = models.TextField(_("text"), help_text=_("Markdown and placeholders work here."))

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project",
                Lower("title"),
                name="one_canned_reply_a_title",
                violation_error_message=_("There is a canned reply with this title already."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if unknown := find_unknown(self.text, known=IN_CANNED_REPLIES):
            sentence = _("There is no placeholder %s. Correct it or take it out.")
            names = ", ".join(f"%{{{name}}}" for name in unknown)
            raise ValidationError({"text": sentence % names})
