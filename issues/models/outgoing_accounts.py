"""The servers that mail goes out by, and whether they take it."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _


class OutgoingAccountQuerySet(models.QuerySet["OutgoingAccount"]):
    def failing(self) -> Self:
        return self.filter(failing_since__isnull=False)


class OutgoingAccount(models.Model):
    """One row an account that mail was sent by. While it fails its mail waits, and one mail is
    tried at a time."""

    account = models.CharField(max_length=50, blank=True, unique=True)
    """As in OutgoingEmail: empty is the server of EMAIL_URL."""

    worked_at = models.DateTimeField(null=True)
    """When the server last took a mail, or refused one for its recipient alone."""

    failing_since = models.DateTimeField(_("failing since"), null=True)
    is_refused = models.BooleanField(default=False)
    """The server refuses us, and a person must act; otherwise it is away or busy."""

    failures = models.PositiveIntegerField(default=0)
    """Times that it was tried in vain since then."""

    next_attempt_at = models.DateTimeField(null=True)
    last_error = models.TextField(_("last error"), blank=True)
    alerted_at = models.DateTimeField(null=True)
    """When people were notified of that."""

    objects = OutgoingAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("outgoing account")
        verbose_name_plural = _("outgoing accounts")

    def __str__(self) -> str:
        return self.account or "EMAIL_URL"
