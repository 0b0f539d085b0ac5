"""People with an account; allauth's EmailAddress says which addresses are theirs."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_backends
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

REMOVED_PERSON = gettext_noop("removed person")
"""Replaces the name or address of an erased person; no address, so nothing is sent to it."""


class PeopleManager(UserManager["User"]):
    """Who is made at the command line is vouched for by whoever sits there."""

    @transaction.atomic
    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **more: Any
    ) -> "User":
        user = super().create_superuser(username, (email or "").lower(), password, **more)
        taken = EmailAddress.objects.filter(email=user.email, verified=True).exists()
        if user.email and not taken:
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


class User(AbstractUser):
    """A person with an account. `email` is where mail goes, while it is verified."""

    language = models.CharField(
        _("language of mails"), max_length=10, choices=settings.LANGUAGES, default="en"
    )

    removed_at = models.DateTimeField(null=True, editable=False)
    """When the person was erased: the row stays, so that what they wrote has an author."""

    objects: ClassVar[PeopleManager] = PeopleManager()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Of an object the backends are asked for superusers too, to whom Django says yes."""
        if obj is None:
            return super().has_perm(perm)
        asked = [each for each in get_backends() if hasattr(each, "has_perm")]
        return any(each.has_perm(self, perm, obj) for each in asked)

    def __str__(self) -> str:
        if self.removed_at is not None:
            return gettext(REMOVED_PERSON)
        return self.get_full_name() or self.username
