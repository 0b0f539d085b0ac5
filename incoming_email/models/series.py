"""Parts of a patch series that came in separate mails and wait for the others."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from incoming_email.models.ledger import InboundEmail
from issues.marked_text import MarkedText
from issues.models import Project, User, WithMessageId


class SeriesPart(WithMessageId):
    """One of `[PATCH v2 3/7]`. Deleted as soon as the series is applied or given up."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, verbose_name=_("project"))
    author = models.ForeignKey(User, on_delete=models.CASCADE, verbose_name=_("author"))
    inbound_email = models.OneToOneField(
        InboundEmail, null=True, on_delete=models.CASCADE, related_name="series_part"
    )
    revision = models.PositiveIntegerField(_("revision of the sender"))
    number = models.PositiveIntegerField(_("number"), help_text=_("0 is the cover letter."))
    total = models.PositiveIntegerField(_("parts"))
    references = models.JSONField(default=list, editable=False)
    """Ids of the mails that it answers: the nearest one first."""

    title = models.CharField(_("title"), max_length=255, blank=True)
    description = models.TextField(_("description"), blank=True)
    others = models.JSONField(default=list, editable=False)
    """Numbers of the lines of the description that the author did not write."""

    content = models.BinaryField()
    """The patch; empty for a cover letter."""

    received_at = models.DateTimeField(_("received at"))
    is_reported = models.BooleanField(
        _("rejection reported"),
        default=False,
        db_default=False,
        help_text=_("The sender has been told that another mail of the series was rejected."),
    )

    class Meta:
        verbose_name = _("waiting patch")
        verbose_name_plural = _("waiting patches")
        indexes: ClassVar = [
            models.Index(fields=["project", "author"], name="waiting_patches_of_author"),
            models.Index(fields=["received_at"], name="waiting_patches_by_age"),
        ]

    def __str__(self) -> str:
        return gettext("patch %(position)s") % {"position": f"{self.number}/{self.total}"}

    @property
    def words(self) -> MarkedText:
        return MarkedText(self.description, frozenset(self.others))
