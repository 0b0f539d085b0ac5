"""A record of each erasure, without the person's name: proof for the person who asked for it."""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.models import User


class Erasure(models.Model):
    """A record; its digests answer only "was it this address?"."""

    erased_at = models.DateTimeField(_("erased at"))
    erased_by = models.ForeignKey(
        User,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("erased by"),
        help_text=_("Empty: by the command."),
    )
    digests = models.JSONField(editable=False)
    """Keyed digests of the addresses and the user name."""

    counts = models.JSONField(_("what was erased"))
    """Pairs of a name and a number."""

    class Meta:
        verbose_name = _("erasure of a person")
        verbose_name_plural = _("erasures of people")

    def __str__(self) -> str:
        return gettext("erasure %(number)s") % {"number": self.pk}
