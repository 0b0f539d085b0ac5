"""How often probes are sent through a mailbox, and when people were notified about them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Probing(models.Model):
    """Columns of a mailbox."""

    probe_minutes = models.PositiveIntegerField(
        _("minutes between two probes"),
        null=True,
        blank=True,
        help_text=_("Letterbox mails itself by this mailbox. Empty: PROBE_MINUTES. 0: never."),
    )
    next_probe_at = models.DateTimeField(null=True, editable=False)
    probe_alerted_at = models.DateTimeField(null=True, editable=False)
    """When administrators were notified that probes are late; empty again once they are not."""

    class Meta:
        abstract = True

    @property
    def probe_interval(self) -> int:
        """Minutes; 0: never."""
        own = self.probe_minutes
        return int(settings.PROBE_MINUTES) if own is None else own
