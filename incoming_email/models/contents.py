"""The bytes of messages, once each, however many rows of the ledger a message has."""

from collections.abc import Collection

from django.db import models
from django.utils.translation import gettext_lazy as _


class MessageContentQuerySet(models.QuerySet["MessageContent"]):
    def remove_unused(self, pks: Collection[int | None]) -> None:
        """Remove those that no row of the ledger refers to any more. In a transaction."""
        wanted = self.filter(pk__in=[pk for pk in pks if pk is not None])
        # Whoever stores the same message again either waits, or has its row seen by what follows.
        list(wanted.select_for_update().order_by("digest").values_list("pk"))
        wanted.filter(rows=None).delete()


class MessageContent(models.Model):
    """A message as it came. It goes with the last row of the ledger that refers to it."""

    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the bytes."""

    raw = models.BinaryField()

    objects = MessageContentQuerySet.as_manager()

    class Meta:
        verbose_name = _("content of a message")
        verbose_name_plural = _("contents of messages")

    def __str__(self) -> str:
        return f"content {self.pk}"
