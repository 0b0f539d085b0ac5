"""Blocked senders: an address, or a whole domain."""

import re
from collections.abc import Collection
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from issues.mail_addresses import lower_ascii
from issues.models import Project

WHOLE_DOMAIN = re.compile(r"(?:\*?@|\*@\*\.)(?P<domain>[^@*\s]+)")


class BlockedSender(models.Model):
    """Mail from this sender is ignored, replies as well; the sender is not notified."""

    pattern = models.CharField(
        _("sender"),
        max_length=254,
        help_text=_("An address such as ann@example.com, or *@example.com with all below it."),
    )
    project = models.ForeignKey(
        Project,
        verbose_name=_("project"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        help_text=_("Empty: for mail to any project."),
    )
    comment = models.CharField(_("comment"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    by_spam = models.BooleanField(default=False, db_default=False, editable=False)
    """Set by marking a ticket as spam: "not spam" takes it back, and no other."""

    class Meta:
        verbose_name = _("blocked sender")
        verbose_name_plural = _("blocked senders")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pattern"],
                condition=Q(project=None),
                name="one_block_everywhere",
                violation_error_message=_("This sender is blocked for all projects already."),
            ),
            models.UniqueConstraint(
                fields=["pattern", "project"],
                name="one_block_a_project",
                violation_error_message=_("This sender is blocked for this project already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pattern} ({self.project})" if self.project else self.pattern

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Kept in the one form that is looked for; so *@B.example is @b.example's second."""
        local, at, domain = self.pattern.strip().rpartition("@")
        self.pattern = f"{lower_ascii(local)}{at}{domain.lower()}"
        whole = WHOLE_DOMAIN.fullmatch(self.pattern)
        if whole:
            self.pattern = f"*@{whole['domain']}"
        address = self.pattern.replace("*", "all", 1) if whole else self.pattern.replace("*", " ")
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(
                {"pattern": _("Write an address, or *@ and a domain, such as *@example.com.")}
            ) from None
        super().clean_fields(exclude)
