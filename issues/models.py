"""People, projects, and what people say about the work in them."""

import re
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

DISCUSSION_BYTES = 16


def new_discussion() -> str:
    """32 hexadecimal digits that notes of one discussion share."""
    return secrets.token_hex(DISCUSSION_BYTES)


class User(AbstractUser):
    """A person with an account. `email` is where mail goes; EmailAddress says which are theirs."""

    language = models.CharField(
        _("language of mails"), max_length=10, choices=settings.LANGUAGES, default="en"
    )
    email_addresses: "RelatedManager[EmailAddress]"

    def __str__(self) -> str:
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


class Visibility(models.TextChoices):
    PRIVATE = "private", _("Private: members only")
    INTERNAL = "internal", _("Internal: everybody with an account")
    PUBLIC = "public", _("Public: everybody")


class Role(models.IntegerChoices):
    GUEST = 10, _("Guest")
    REPORTER = 20, _("Reporter")
    DEVELOPER = 30, _("Developer")
    MAINTAINER = 40, _("Maintainer")
    OWNER = 50, _("Owner")


class Project(models.Model):
    path = models.CharField(
        _("path"),
        max_length=255,
        unique=True,
        validators=[
            RegexValidator(
                r"\A[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*\Z",
                _("Use lower-case letters, digits, '.', '_' and '-', with '/' between parts."),
            )
        ],
        help_text=_("For example acme/shop. A rename keeps every address that was given out."),
    )
    name = models.CharField(_("name"), max_length=255)
    description = models.TextField(_("description"), blank=True)
    visibility = models.CharField(
        _("visibility"), max_length=10, choices=Visibility, default=Visibility.PRIVATE
    )
    last_issue_iid = models.PositiveIntegerField(default=0, editable=False)
    last_merge_request_iid = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")
    memberships: "RelatedManager[Membership]"
    labels: "RelatedManager[Label]"
    issues: "RelatedManager[Issue]"
    merge_requests: "RelatedManager[MergeRequest]"

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")

    def __str__(self) -> str:
        return self.path

    @property
    def slug(self) -> str:
        """The path as it stands in addresses: decoration that a person can read."""
        return re.sub(r"[^a-z0-9]+", "-", self.path.lower())[:63].strip("-")


class Membership(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(_("role"), choices=Role, default=Role.GUEST)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user"], name="one_role_a_member"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"


class Label(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(_("name"), max_length=100)
    color = models.CharField(
        _("colour"),
        max_length=7,
        default="#6699cc",
        validators=[RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", _("Use the form #6699cc."))],
    )

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        constraints: ClassVar = [
            models.UniqueConstraint("project", Lower("name"), name="one_label_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class State(models.TextChoices):
    OPENED = "opened", _("Open")
    CLOSED = "closed", _("Closed")
    MERGED = "merged", _("Merged")


class WorkItem(models.Model):
    """What an issue and a merge request have in common."""

    iid = models.PositiveIntegerField(_("number"), editable=False)
    title = models.CharField(_("title"), max_length=255)
    description = models.TextField(_("description"), blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPENED)
    due_date = models.DateField(_("due date"), null=True, blank=True)
    locked = models.BooleanField(
        _("discussion locked"), default=False, help_text=_("Only members may comment.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        abstract = True


class Issue(WorkItem):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="issues")
    author = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="authored_issues"
    )
    external_author = models.CharField(
        _("external author"),
        max_length=254,
        blank=True,
        help_text=_("E-mail address of a person without an account."),
    )
    confidential = models.BooleanField(_("confidential"), default=False)
    assignees = models.ManyToManyField(User, blank=True, related_name="assigned_issues")
    labels = models.ManyToManyField(Label, blank=True, related_name="issues")
    notes: "RelatedManager[Note]"
    uploads: "RelatedManager[Upload]"

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "iid"], name="one_issue_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.project}#{self.iid}"


class MergeRequest(WorkItem):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="merge_requests")
    author = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="authored_merge_requests"
    )
    source_branch = models.CharField(_("source branch"), max_length=255)
    target_branch = models.CharField(_("target branch"), max_length=255)
    draft = models.BooleanField(_("draft"), default=False)
    assignees = models.ManyToManyField(User, blank=True, related_name="assigned_merge_requests")
    labels = models.ManyToManyField(Label, blank=True, related_name="merge_requests")
    notes: "RelatedManager[Note]"
    uploads: "RelatedManager[Upload]"

    class Meta:
        verbose_name = _("merge request")
        verbose_name_plural = _("merge requests")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "iid"], name="one_merge_request_a_number"),
            models.UniqueConstraint(
                fields=["project", "source_branch", "target_branch"],
                condition=Q(state=State.OPENED),
                name="one_open_merge_request_a_pair",
            ),
            models.CheckConstraint(
                condition=~Q(source_branch=F("target_branch")), name="source_is_not_target"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}!{self.iid}"


def _exactly_one_item() -> Q:
    return Q(issue__isnull=False, merge_request=None) | Q(issue=None, merge_request__isnull=False)


class Note(models.Model):
    issue = models.ForeignKey(
        Issue, null=True, blank=True, on_delete=models.CASCADE, related_name="notes"
    )
    merge_request = models.ForeignKey(
        MergeRequest, null=True, blank=True, on_delete=models.CASCADE, related_name="notes"
    )
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="notes")
    external_author = models.CharField(_("external author"), max_length=254, blank=True)
    body = models.TextField(_("text"))
    quoted = models.TextField(
        _("quoted part"), blank=True, help_text=_("What was cut from a mail; shown folded.")
    )
    discussion = models.CharField(_("discussion"), max_length=32, default=new_discussion)
    internal = models.BooleanField(
        _("internal"), default=False, help_text=_("Shown to reporters and above only.")
    )
    system = models.BooleanField(_("system note"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    uploads: "RelatedManager[Upload]"

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        constraints: ClassVar = [
            models.CheckConstraint(condition=_exactly_one_item(), name="note_on_exactly_one"),
        ]
        indexes: ClassVar = [models.Index(fields=["discussion"], name="note_discussion")]

    def __str__(self) -> str:
        return f"note {self.pk} on {self.item}"

    @property
    def item(self) -> "Issue | MergeRequest":
        item = self.issue or self.merge_request
        assert item is not None  # noqa: S101  (note_on_exactly_one)
        return item


class Upload(models.Model):
    """A file of an issue, merge request or note. `secret` makes its address unguessable."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    issue = models.ForeignKey(
        Issue, null=True, blank=True, on_delete=models.CASCADE, related_name="uploads"
    )
    merge_request = models.ForeignKey(
        MergeRequest, null=True, blank=True, on_delete=models.CASCADE, related_name="uploads"
    )
    note = models.ForeignKey(
        Note, null=True, blank=True, on_delete=models.CASCADE, related_name="uploads"
    )
    uploader = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    secret = models.CharField(max_length=32, unique=True, editable=False)
    filename = models.CharField(_("file name"), max_length=255)
    content_type = models.CharField(_("type"), max_length=255)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")

    def __str__(self) -> str:
        return self.filename


class Subscription(models.Model):
    """A person's own word on one item: tell me, or leave me alone. It beats participation."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="subscriptions")
    issue = models.ForeignKey(
        Issue, null=True, blank=True, on_delete=models.CASCADE, related_name="subscriptions"
    )
    merge_request = models.ForeignKey(
        MergeRequest, null=True, blank=True, on_delete=models.CASCADE, related_name="subscriptions"
    )
    subscribed = models.BooleanField(_("subscribed"))

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints: ClassVar = [
            models.CheckConstraint(condition=_exactly_one_item(), name="subscription_to_one"),
            models.UniqueConstraint(
                fields=["user", "issue"],
                condition=Q(issue__isnull=False),
                name="one_subscription_an_issue",
            ),
            models.UniqueConstraint(
                fields=["user", "merge_request"],
                condition=Q(merge_request__isnull=False),
                name="one_subscription_a_merge_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {'+' if self.subscribed else '-'}{self.issue or self.merge_request}"


class Event(models.TextChoices):
    """What people are told about."""

    NEW_ISSUE = "new_issue", _("new issue")
    NEW_MERGE_REQUEST = "new_merge_request", _("new merge request")
    NEW_NOTE = "new_note", _("new note")


class Announcement(models.Model):
    """One thing that happened and that people must hear of: written with it, in one transaction.

    Fanned out to one OutgoingEmail a person later, so that writing stays cheap and a crash
    loses nothing: a row without `fanned_out_at` is work that is owed.
    """

    event = models.CharField(max_length=20, choices=Event)
    issue = models.ForeignKey(Issue, null=True, on_delete=models.CASCADE)
    merge_request = models.ForeignKey(MergeRequest, null=True, on_delete=models.CASCADE)
    note = models.ForeignKey(Note, null=True, on_delete=models.CASCADE)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    fanned_out_at = models.DateTimeField(null=True)

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


class OutgoingEmailQuerySet(models.QuerySet["OutgoingEmail"]):
    def due(self, now: datetime) -> Self:
        return self.filter(state=OutgoingState.PENDING, next_attempt_at__lte=now)


class OutgoingEmail(models.Model):
    """A mail to one person, kept until sent. One row an effect; its Message-ID never changes."""

    kind = models.CharField(_("kind"), max_length=20, db_index=True)
    effect_key = models.CharField(max_length=100, unique=True, editable=False)
    """What caused it and for whom: makes a repeat of the cause harmless."""

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
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE)
    state = models.CharField(
        _("state"), max_length=10, choices=OutgoingState, default=OutgoingState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
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
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"
