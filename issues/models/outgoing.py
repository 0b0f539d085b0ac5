"""Announcements of what happened, and the mail that notifies people: the outbox."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.clock_skew import latest_now
from issues.models.items import Issue, MergeRequest, Note
from issues.models.people import User
from issues.models.projects import Project


class Event(models.TextChoices):
    """What people are notified about."""

    NEW_ISSUE = "new_issue", _("new issue")
    NEW_MERGE_REQUEST = "new_merge_request", _("new merge request")
    NEW_NOTE = "new_note", _("new note")
    REOPENING_NOTE = "reopening_note", _("note that reopened the item")


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def owed(self) -> Self:
        """To be fanned out. That of an issue marked as spam waits until it is none any more."""
        rows = self.filter(fanned_out_at=None)
        return rows.filter(issue__spam_at=None, note__issue__spam_at=None)


class Announcement(models.Model):
    """An event that people must be notified about, written with it in one transaction.

    Fanned out to one OutgoingEmail per person later, so that writing stays cheap and a crash loses
    nothing: a row without `fanned_out_at` is still to be fanned out.
    """

    event = models.CharField(max_length=20, choices=Event)
    issue = models.ForeignKey(Issue, null=True, on_delete=models.CASCADE)
    merge_request = models.ForeignKey(MergeRequest, null=True, on_delete=models.CASCADE)
    note = models.ForeignKey(Note, null=True, on_delete=models.CASCADE)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    fanned_out_at = models.DateTimeField(null=True)

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(fanned_out_at=None), name="announcement_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.note or self.issue or self.merge_request}"


class OutgoingState(models.TextChoices):
    PENDING = "pending", _("Waiting to be sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    WITHHELD = "withheld", _("Withheld: what it is about was marked as spam")


LONGEST_PAUSE = timedelta(hours=6)
"""Between two attempts at one mail."""

HELD = Q(
    state=OutgoingState.PENDING,
    attempts=0,
    last_error="",
    next_attempt_at__gt=F("created_at"),
)
"""Written to go out later than at once, and not tried yet."""

OWED_SINCE = Case(When(HELD, then=F("next_attempt_at")), default=F("created_at"))


class OutgoingEmailQuerySet(models.QuerySet["OutgoingEmail"]):
    def held(self) -> Self:
        return self.filter(HELD)

    def owed(self, now: datetime | Now) -> Self:
        """Those that are due, and not scheduled for later."""
        return self.filter(state=OutgoingState.PENDING).exclude(HELD, next_attempt_at__gt=now)

    def due(self, now: datetime) -> Self:
        return self.filter(state=OutgoingState.PENDING, next_attempt_at__lte=now)

    def take_up_future(self, now: datetime) -> int:
        """Make due what was written to go out at once, or tried, by a clock that was set back
        since; return how many. It would wait until that time has come again."""
        latest = latest_now(now)
        wrong = Q(attempts=0, next_attempt_at=F("created_at"), created_at__gt=latest)
        tried = Q(first_attempt_at__isnull=False)
        wrong |= tried & Q(attempts=0, next_attempt_at__gt=latest)
        wrong |= tried & Q(next_attempt_at__gt=latest + LONGEST_PAUSE)
        future = self.filter(wrong, state=OutgoingState.PENDING, next_attempt_at__gt=now)
        return future.update(next_attempt_at=now)


class OutgoingEmail(models.Model):
    """A mail to one person, stored until sent. One row per effect; its Message-ID never changes."""

    kind = models.CharField(_("kind"), max_length=20, db_index=True)
    effect_key = models.CharField(max_length=100, unique=True, editable=False)
    """What caused it and for whom: a repeat of the cause writes no second mail."""

    recipient = models.EmailField(_("to"), max_length=254)
    envelope_sender = models.CharField(
        _("envelope sender"),
        max_length=254,
        blank=True,
        help_text=_("Empty: null reverse-path <>."),
    )
    message_id = models.CharField(_("Message-ID"), max_length=255, unique=True)
    from_header = models.CharField(_("from"), max_length=500)
    subject = models.CharField(_("subject"), max_length=500)
    headers = models.JSONField(_("other header fields"), default=dict)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"), blank=True)
    uploads = models.JSONField(_("attached uploads"), default=list, blank=True)
    """Ids of Upload: read when it is sent, so a row stays small."""

    account = models.CharField(_("sent by"), max_length=50, blank=True, editable=False)
    """Empty: the server of EMAIL_URL. Else a name that a layer above knows."""

    budget = models.CharField(  # noqa: DJ001  (a column without default is added at once)
        max_length=50, null=True, editable=False
    )
    """The limit it is counted for, under a name that the application above defines."""

    answered_mailbox = models.PositiveBigIntegerField(null=True, editable=False)
    """Of a mail that nobody wrote: the number of the mailbox whose mail it answers."""

    announcement = models.ForeignKey(
        Announcement,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="+",
    )
    """The event that it notifies of: who caused it hears where it can't be delivered."""

    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE)
    state = models.CharField(
        _("state"), max_length=10, choices=OutgoingState, default=OutgoingState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    first_attempt_at = models.DateTimeField(_("first attempt at"), null=True, editable=False)
    """EMAIL_RETRY_HOURS count from here."""

    next_attempt_at = models.DateTimeField(_("next attempt at"))
    created_at = models.DateTimeField(_("created at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta:
        verbose_name = _("outgoing email")
        verbose_name_plural = _("outgoing email")
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state=OutgoingState.PENDING),
                name="outgoing_due",
            ),
            models.Index(fields=["recipient", "created_at"], name="outgoing_by_recipient"),
            models.Index(fields=["kind", "created_at"], name="outgoing_by_kind"),
            models.Index(fields=["state", "created_at"], name="outgoing_by_state"),
            models.Index(
                "budget",
                Coalesce("sent_at", "next_attempt_at"),
                condition=Q(budget__isnull=False),
                name="outgoing_by_budget",
            ),
            models.Index(
                fields=["announcement"],
                condition=Q(announcement__isnull=False),
                name="outgoing_by_announcement",
            ),
        ]

    def __str__(self) -> str:
        # Without the recipient: of a probe it holds a key.
        return gettext("%(kind)s %(number)s") % {"kind": self.kind, "number": self.pk}

    @property
    def is_held(self) -> bool:
        is_untried = self.state == OutgoingState.PENDING and not self.attempts
        return is_untried and not self.last_error and self.next_attempt_at > self.created_at
