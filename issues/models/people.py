"""People with an account, and the addresses that are theirs."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

REMOVED_PERSON = gettext_noop("removed person")
"""Replaces the name or address of an erased person; no address, so nothing is sent to it."""


class User(AbstractUser):
    """A person with an account. `email` is where mail goes; EmailAddress says which are theirs."""

    language = models.CharField(
        _("language of mails"), max_length=10, choices=settings.LANGUAGES, default="en"
    )

    removed_at = models.DateTimeField(null=True, editable=False)
    """When the person was erased: the row stays, so that what they wrote has an author."""

    def __str__(self) -> str:
        if self.removed_at is not None:
            return gettext(REMOVED_PERSON)
        return self.get_full_name() or self.username


class EmailAddress(models.Model):
    """An address of a user, in lower case. Only a verified one counts as that person's."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_addresses")
    address = models.EmailField(_("address"), max_length=254, unique=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)

    class Meta:
        verbose_name = _("e-mail address")
        verbose_name_plural = _("e-mail addresses")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(address=Lower("address")), name="address_is_lower"),
        ]

    def __str__(self) -> str:
        return self.address
