"""Probes: mails of Letterbox to itself, and how long each round trip took."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from incoming_email.models.ledger import InboundEmail
from incoming_email.models.mailboxes import Mailbox
from issues.models import OutgoingEmail


class ProbeState(models.TextChoices):
    WAITING = "waiting", _("under way")
    LATE = "late", _("late")
    DONE = "done", _("came round")
    SLOW = "slow", _("came round late")
    LOST = "lost", _("did not come back")


class Leg(models.TextChoices):
    """A part of the round trip, where a probe can stop."""

    SENDING = "sending", _("sending")
    DELIVERY = "delivery", _("delivery")
    READING = "reading", _("reading the mailbox")
    PROCESSING = "processing", _("processing")


OPEN_STATES = (ProbeState.WAITING, ProbeState.LATE)
BAD_STATES = (ProbeState.LATE, ProbeState.SLOW, ProbeState.LOST)


class Probe(models.Model):
    """One probe. The mail is a row of the outbox; what comes back is a row of the ledger."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="probes")
    is_scheduled = models.BooleanField(_("by the clock"), default=False)
    """Sent on schedule. Otherwise a person asked for it, and nobody is alerted."""

    created_at = models.DateTimeField(_("written at"))
    sent_at = models.DateTimeField(_("sent at"), null=True)
    received_at = models.DateTimeField(_("received at"), null=True)
    processed_at = models.DateTimeField(_("processed at"), null=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ProbeState, default=ProbeState.WAITING
    )
    stopped_in = models.CharField(_("stopped in"), max_length=10, choices=Leg, blank=True)
    fault = models.CharField(_("in the server's words"), max_length=500, blank=True)
    outgoing = models.ForeignKey(
        OutgoingEmail, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    inbound = models.ForeignKey(
        InboundEmail, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("probe")
        verbose_name_plural = _("probes")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state__in=[ProbeState.DONE, ProbeState.SLOW])
                | Q(processed_at__isnull=False),
                name="a_probe_that_came_round_was_processed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["mailbox", "-created_at"], name="probe_history"),
            models.Index(
                fields=["created_at"], condition=Q(state__in=OPEN_STATES), name="probe_open"
            ),
        ]

    def __str__(self) -> str:
        return gettext("probe %(number)s of %(mailbox)s") % {
            "number": self.pk,
            "mailbox": self.mailbox,
        }

    @property
    def took(self) -> timedelta | None:
        """From the writing of the test message to its processing; None: not processed yet.

        Never below 0: the clocks of two machines may differ.
        """
        if self.processed_at is None:
            return None
        return max(self.processed_at - self.created_at, timedelta(0))
