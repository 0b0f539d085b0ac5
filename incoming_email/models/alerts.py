"""Alerts about a mailbox, outgoing mail or a disk: those due to the webhook, and what was told."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incoming_email.models.mailboxes import Mailbox


class AlertEvent(models.TextChoices):
    MAILBOX_FAILING = "mailbox_failing", _("mailbox is failing")
    MAILBOX_WORKING = "mailbox_working", _("mailbox works again")
    PROBE_FAILING = "probe_failing", _("probes are late")
    PROBE_WORKING = "probe_working", _("probes have recovered")
    SENDING_FAILING = "sending_failing", _("no mail goes out")
    SENDING_WORKING = "sending_working", _("mail goes out again")
    DISK_NEARLY_FULL = "disk_nearly_full", _("a disk is nearly full")
    DISK_HAS_SPACE = "disk_has_space", _("the disk has space again")


class WebhookAlertQuerySet(models.QuerySet["WebhookAlert"]):
    def owed(self, now: datetime) -> Self:
        return self.filter(posted_at=None, next_attempt_at__lte=now)


class WebhookAlert(models.Model):
    """One alert, written in one transaction with the change of the row that it reports."""

    mailbox = models.ForeignKey(
        Mailbox, null=True, on_delete=models.CASCADE, verbose_name=_("mailbox")
    )
    """Empty: about outgoing mail or a disk."""

    event = models.CharField(_("event"), max_length=20, choices=AlertEvent)
    since = models.DateTimeField(_("since"))
    error = models.TextField(_("error of the mailbox"), blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"))
    posted_at = models.DateTimeField(_("posted at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    objects = WebhookAlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook alert")
        verbose_name_plural = _("webhook alerts")
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(posted_at=None),
                name="webhook_alert_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()}: {self.mailbox}"


class DiskShortage(models.Model):
    """The one row of it is there from the alert about a disk that is nearly full until the next
    one, that there is space again."""

    ONLY = 1

    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    """When too little space was found the last time."""

    def __str__(self) -> str:
        return f"since {self.since}"
