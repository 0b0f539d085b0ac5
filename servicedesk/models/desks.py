"""The desk of a project, its tickets, and their external participants."""

import re
from datetime import datetime
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.mail_addresses import canonical_address
from issues.models import Issue, Note, Project, State, User, WithMessageId
from servicedesk.placeholders import IN_CANNED_REPLIES, find_unknown

RESERVED_KEYS = {"issue", "request", "unsubscribe", "verify", "bounce"}
"""Last words of addresses that have another meaning."""

SECRET = re.compile(r"[0-9a-z]{25}")
"""The form of reply keys and tokens."""

TEXTS = ("thank_you", "new_note", "new_participant")
"""Columns of texts to customers, in which placeholders are filled in."""


class NonParticipantPolicy(models.TextChoices):
    """What is done with mail into a ticket from a sender who is not a participant."""

    HOLD = "hold", _("hold it until a person looks at it")
    NEW_TICKET = "new_ticket", _("make a ticket of its own")


class ServiceDesk(models.Model):
    """The settings of a project's desk."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="service_desk")
    enabled = models.BooleanField(_("enabled"), default=False)
    key = models.CharField(
        _("project key"),
        max_length=50,
        blank=True,
        validators=[
            RegexValidator(
                r"\A(?=[0-9_]*[a-z])[a-z0-9_]+\Z",
                _("Use lower-case letters, digits and '_', at least one letter."),
            )
        ],
        help_text=_("Ends the address in the service desk mailbox: acme-shop-KEY."),
    )
    outgoing_name = models.CharField(
        _("outgoing name"),
        max_length=100,
        blank=True,
        help_text=_("Stands in From of mails to customers. Empty: the name of the project."),
    )
    template = models.TextField(
        _("template for tickets"),
        blank=True,
        help_text=_("Markdown added to every new ticket. Quick actions in it are carried out."),
    )
    confidential = models.BooleanField(
        _("tickets are confidential"),
        default=True,
        help_text=_("Always so in public projects."),
    )
    reopen = models.BooleanField(
        _("reopen a closed ticket when a participant writes"), default=True
    )
    answer_assigns = models.BooleanField(
        _("who answers a ticket is assigned to it"),
        default=False,
        db_default=False,
        help_text=_("Where nobody is yet."),
    )
    add_cc = models.BooleanField(
        _("people in Cc take part"),
        default=False,
        help_text=_("They then get every public comment by mail."),
    )
    take_forwarded = models.BooleanField(
        _("the sender inside of a forwarded mail is the requester"), default=False
    )
    strangers = models.CharField(
        _("mail of strangers into a ticket"),
        max_length=10,
        choices=NonParticipantPolicy,
        default=NonParticipantPolicy.HOLD,
    )
    form_senders = models.TextField(
        _("senders of web forms"),
        blank=True,
        help_text=_(
            "Addresses, one a line. In mail from them, Reply-To is the requester;"
            " in all other mail it is not looked at."
        ),
    )
    thank_you = models.TextField(_("thank-you mail"), blank=True)
    new_note = models.TextField(_("mail of a new comment"), blank=True)
    new_participant = models.TextField(_("mail to a new participant"), blank=True)

    class Meta:
        verbose_name = _("service desk")
        verbose_name_plural = _("service desks")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["key"], condition=~Q(key=""), name="one_desk_a_project_key"
            ),
        ]

    def __str__(self) -> str:
        return gettext("service desk of %(project)s") % {"project": self.project}

    def clean(self) -> None:
        problems: dict[str, object] = {}
        if self.key in RESERVED_KEYS:
            problems["key"] = _("This word has another meaning in addresses. Choose another one.")
        elif SECRET.fullmatch(self.key):
            problems["key"] = _("A key of 25 letters and digits looks like a secret. Shorten it.")
        for name in TEXTS:
            if unknown := find_unknown(getattr(self, name)):
                problems[name] = _say_unknown(unknown)
        if unknown := find_unknown(self.template, known=IN_CANNED_REPLIES):
            problems["template"] = _say_unknown(unknown)
        if "key" not in problems and self._is_taken():
            problems["key"] = _("Another project has this key. Choose another one.")
        if problems:
            raise ValidationError(problems)

    def _is_taken(self) -> bool:
        others = ServiceDesk.objects.exclude(pk=self.pk)
        return bool(self.key) and others.filter(key=self.key).exists()

    @property
    def name(self) -> str:
        """What customers read in From."""
        return self.outgoing_name or self.project.name or self.project.path

    def takes_reply_to_of(self, sender: str) -> bool:
        return canonical_address(sender) in map(
            canonical_address, filter(None, re.split(r"[\s,;]+", self.form_senders))
        )


def _say_unknown(names: list[str]) -> str:
    sentence = gettext("There is no placeholder %s. Correct it or take it out.")
    return sentence % ", ".join(f"%{{{name}}}" for name in names)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def waiting(self) -> "TicketQuerySet":
        """Those with mail that the team has not answered: open ones, and closed ones to which it
        came after the closing."""
        return self.filter(
            Q(issue__state=State.OPENED) | Q(issue__closed_at__lt=F("waiting_since")),
            waiting_since__isnull=False,
        )


class Ticket(models.Model):
    """An issue that an external participant asked for."""

    issue = models.OneToOneField(
        Issue, on_delete=models.CASCADE, primary_key=True, related_name="ticket"
    )
    requester = models.CharField(_("requester"), max_length=254, blank=True)
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    """Time of the oldest unanswered mail; empty: the last comment of the team went to somebody."""

    snoozed_until = models.DateField(_("snoozed until"), null=True, blank=True)
    """Not among those who wait before that day, unless a participant writes."""

    proven = models.BooleanField(default=True, db_default=True, editable=False)
    """The mail that opened it is the requester's, or a member made it. Else title and description
    are words of anybody, which mails to participants do not repeat."""

    # With a default the table would be written anew on SQLite.
    own_words = models.TextField(null=True, editable=False)  # noqa: DJ001
    """What the requester wrote, without the desk's template; mails to participants repeat nothing
    else of the description. Empty where a member made an issue a ticket; None of tickets of an
    earlier version, where nobody knows."""

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        indexes: ClassVar = [models.Index(fields=["waiting_since"], name="ticket_waiting")]

    def __str__(self) -> str:
        return gettext("ticket %(issue)s") % {"issue": self.issue}

    @property
    def waits_since(self) -> datetime | None:
        """As `waiting` has it; None where it does not wait."""
        since, closed_at = self.waiting_since, self.issue.closed_at
        if since is None or self.issue.state == State.OPENED:
            return since
        return since if closed_at is not None and closed_at < since else None


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def to_write_to(self) -> "ParticipantQuerySet":
        return self.filter(unsubscribed_at=None, undeliverable_at=None)


class Participant(models.Model):
    """A person without an account who takes part in a ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="participants")
    address = models.EmailField(_("address"), max_length=254)
    """As it was written first: letter case may matter to their server."""

    added_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    joined_at = models.DateTimeField(_("joined at"))
    unsubscribed_at = models.DateTimeField(_("unsubscribed at"), null=True, blank=True)
    bounces = models.PositiveSmallIntegerField(_("delivery failures"), default=0)
    bounced_at = models.DateTimeField(null=True, editable=False)
    """Time of the first of these; those of DESK_BOUNCE_DAYS count together."""

    bounce_reason = models.CharField(_("why delivery failed"), max_length=500, blank=True)
    undeliverable_at = models.DateTimeField(_("undeliverable since"), null=True, blank=True)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints: ClassVar = [
            models.UniqueConstraint("ticket", Lower("address"), name="one_participant_an_address"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["address"], condition=~Q(bounces=0), name="participant_bounced"),
        ]

    def __str__(self) -> str:
        return gettext("participant %(number)s of ticket %(ticket)s") % {
            "number": self.pk,
            "ticket": self.ticket_id,
        }


class ThreadMessage(WithMessageId):
    """The Message-ID of a mail of the thread, theirs or ours: by it an answer finds the ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    participant = models.ForeignKey(Participant, null=True, on_delete=models.SET_NULL)
    """Who wrote it, or whom it went to."""

    from_outside = models.BooleanField()
    created_at = models.DateTimeField()
    bounced_at = models.DateTimeField(null=True, blank=True)
    """When a delivery report reported this mail as not delivered."""

    class Meta:
        verbose_name = _("mail of a ticket")
        verbose_name_plural = _("mails of tickets")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "message_id"], name="one_row_a_mail"),
        ]
        indexes: ClassVar = [models.Index(fields=["message_id"], name="thread_by_message_id")]

    def __str__(self) -> str:
        return gettext("mail %(number)s of ticket %(ticket)s") % {
            "number": self.pk,
            "ticket": self.ticket_id,
        }


class UnprovenNote(models.Model):
    """A note by mail whose sender nothing proves: the other participants don't hear of it."""

    note = models.OneToOneField(Note, primary_key=True, on_delete=models.CASCADE)

    class Meta:
        verbose_name = _("note of an unproven sender")
        verbose_name_plural = _("notes of unproven senders")

    def __str__(self) -> str:
        return gettext("note %(number)s of an unproven sender") % {"number": self.pk}


class DirectCopy(models.Model):
    """A participant who has the mail that a note was made of: it named them in To or Cc."""

    note = models.ForeignKey(
        Note, on_delete=models.CASCADE, related_name="direct_copies", db_index=False
    )
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE)

    class Meta:
        verbose_name = _("direct copy")
        verbose_name_plural = _("direct copies")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["note", "participant"], name="one_direct_copy_a_note"),
        ]

    def __str__(self) -> str:
        return gettext("note %(note)s, sent to participant %(participant)s") % {
            "note": self.note_id,
            "participant": self.participant_id,
        }
