"""Recipients that the listener refused: what was said to whom, for those who look for a mail."""

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_ROWS = 100_000
"""So many are kept whatever comes: a flood must not fill the disk."""


class RefusedRecipientQuerySet(models.QuerySet["RefusedRecipient"]):
    def cut(self) -> None:
        """Remove all but the newest MAX_ROWS, give or take gaps in their numbers."""
        newest = self.order_by("-pk").values_list("pk", flat=True).first()
        self.filter(pk__lte=(newest or 0) - MAX_ROWS).delete()


class RefusedRecipient(models.Model):
    """RCPT commands with the same peer, sender, recipient and answer, within seconds."""

    at = models.DateTimeField(_("when"), db_index=True)
    peer = models.CharField(_("from the address"), max_length=45)
    sender = models.CharField(_("sender"), max_length=254, blank=True)
    """Of the envelope; empty: null reverse-path."""

    recipient = models.CharField(_("recipient"), max_length=254)
    """Without its key: one that was withdrawn may be as good as a password elsewhere."""

    answer = models.CharField(_("answer"), max_length=100)
    count = models.PositiveIntegerField(_("how often"), default=1)

    objects = RefusedRecipientQuerySet.as_manager()

    class Meta:
        verbose_name = _("refused recipient")
        verbose_name_plural = _("refused recipients")

    def __str__(self) -> str:
        return f"refused recipient {self.pk}"
