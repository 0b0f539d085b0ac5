"""How long what came in is kept: a number of days a kind, of the mailbox or of the settings."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Kept(models.TextChoices):
    """What a retention removes. The row itself, and what makes a message act once, stays."""

    RAW = "raw", _("raw messages")
    FAILED = "failed", _("raw messages that failed")
    TRACE = "trace", _("traces")
    ATTACHMENTS = "attachments", _("files that came by mail")


class Retention(models.Model):
    """Days from the arrival; empty means the setting's, 0 means for ever."""

    keep_raw_days = models.PositiveSmallIntegerField(
        _("days to keep raw messages"),
        null=True,
        blank=True,
        help_text=_(
            "Days to keep raw messages of processed and rejected mail. Leave empty to use"
            " KEEP_RAW_DAYS; 0 keeps them forever."
        ),
    )
    keep_failed_days = models.PositiveSmallIntegerField(
        _("days to keep raw messages that failed"),
        null=True,
        blank=True,
        help_text=_("They can't be processed again afterwards. Empty: KEEP_FAILED_DAYS. 0: ever."),
    )
    keep_trace_days = models.PositiveSmallIntegerField(
        _("days to keep traces"),
        null=True,
        blank=True,
        help_text=_("Candidates, decisions and errors. Empty: KEEP_TRACE_DAYS. 0: ever."),
    )
    keep_attachments_days = models.PositiveSmallIntegerField(
        _("days to keep files"),
        null=True,
        blank=True,
        help_text=_(
            "That came by mail and belong to issues and notes; links to them lead nowhere then."
            " Empty: KEEP_ATTACHMENTS_DAYS. 0: ever."
        ),
    )

    class Meta:
        abstract = True

    def keep_days(self, kept: Kept) -> int:
        """0 means for ever."""
        own: int | None = getattr(self, f"keep_{kept}_days")
        return int(getattr(settings, f"KEEP_{kept.name}_DAYS")) if own is None else own
