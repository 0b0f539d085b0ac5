"""Issues and merge requests, and what people say about them."""

import secrets
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.models.people import User
from issues.models.projects import Label, Project
from issues.rendering import keeping

DISCUSSION_BYTES = 16
CHANGES = {"issues.comment_on", "issues.edit_item", "issues.triage_item"}
"""Permissions on an item that change what it says, or what it is."""


def new_discussion() -> str:
    """32 hexadecimal digits that notes of one discussion share."""
    return secrets.token_hex(DISCUSSION_BYTES)


def storable(text: str) -> str:
    """PostgreSQL stores no NUL, and no lone surrogate is UTF-8."""
    return text.replace("\0", "").encode(errors="replace").decode()


class State(models.TextChoices):
    OPENED = "opened", _("Open")
    CLOSED = "closed", _("Closed")
    MERGED = "merged", _("Merged")


class RenderedText(models.Model):
    """A row with a text in Markdown, which keeps the HTML that was made of it."""

    TEXT: ClassVar[str]
    """The name of the text's column."""

    # With a default the table would be written anew on SQLite.
    html = models.TextField(null=True, editable=False)  # noqa: DJ001
    """As `rendering.keeping` writes and reads it; None where it was not made yet."""

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """With a former text goes its HTML, so that no row keeps that."""
        saved = set(self.__dict__ if update_fields is None else update_fields)
        is_changed = self.TEXT in saved and not self._state.adding
        if is_changed and keeping.find(self.html, self.text) is None:
            self.html = None
            saved.add("html")
        super().save(*args, update_fields=None if update_fields is None else saved, **options)

    @property
    def text(self) -> str:
        written: str = getattr(self, self.TEXT)
        return written

    def keep_html(self) -> int:
        """Make the HTML and store it where it is missing and the text is still this one; return for
        how many rows."""
        if not self.text or keeping.find(self.html, self.text) is not None:
            return 0
        rows = type(self)._default_manager.filter(pk=self.pk, **{self.TEXT: self.text})
        return rows.update(html=keeping.make(self.text))


class WorkItem(RenderedText):
    """What an issue and a merge request have in common."""

    TEXT = "description"

    COLUMN: ClassVar[str]
    """The name of the column by which other rows refer to it."""

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
    COLUMN = "issue"

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
    spam_at = models.DateTimeField(_("marked as spam"), null=True, editable=False)
    """When a member marked it as spam: it is in no list, and nobody hears of it or changes it."""

    assignees = models.ManyToManyField(User, blank=True, related_name="assigned_issues")
    labels = models.ManyToManyField(Label, blank=True, related_name="issues")
    duplicate_of = models.ForeignKey(
        "self",
        verbose_name=_("duplicate of"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="duplicates",
    )
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        null=True,
        editable=False,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="merged",
    )
    """The one that has all that was said here. Nobody changes this one any more."""

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "iid"], name="one_issue_a_number"),
        ]
        # Of few open issues among many closed ones each list and count would read all.
        indexes: ClassVar = [
            models.Index(fields=["project", "state", "iid"], name="issue_by_state"),
            models.Index(
                fields=["project", "spam_at"],
                condition=Q(spam_at__isnull=False),
                name="issue_spam",
            ),
            models.Index(
                fields=["merged_into"],
                condition=Q(merged_into__isnull=False),
                name="issue_merged",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project.path}#{self.iid}"

    @property
    def current(self) -> "Issue":
        """Itself, or the one that it was merged into."""
        return self.merged_into or self

    def forbids(self, action: str) -> bool:
        """Whether nobody may do this to it in its state: spam is not changed, nor what was merged
        into another one."""
        is_over = self.spam_at is not None or self.merged_into_id is not None
        return is_over and action in CHANGES


class MergeRequest(WorkItem):
    COLUMN = "merge_request"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="merge_requests")
    author = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="authored_merge_requests"
    )
    source_branch = models.CharField(_("source branch"), max_length=255)
    target_branch = models.CharField(_("target branch"), max_length=255)
    draft = models.BooleanField(_("draft"), default=False)
    assignees = models.ManyToManyField(User, blank=True, related_name="assigned_merge_requests")
    labels = models.ManyToManyField(Label, blank=True, related_name="merge_requests")

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
        return f"{self.project.path}!{self.iid}"


def _exactly_one_item() -> Q:
    return Q(issue__isnull=False, merge_request=None) | Q(issue=None, merge_request__isnull=False)


class Note(RenderedText):
    TEXT = "body"

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
    """Its text is no Markdown."""

    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        constraints: ClassVar = [
            models.CheckConstraint(condition=_exactly_one_item(), name="note_on_exactly_one"),
        ]
        indexes: ClassVar = [models.Index(fields=["discussion"], name="note_discussion")]

    def __str__(self) -> str:
        return gettext("note %(number)s on %(item)s") % {"number": self.pk, "item": self.item}

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
    digest = models.CharField(max_length=64, blank=True, editable=False)
    """SHA-256 of the file as it came; empty for files older than this column."""

    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes: ClassVar = [models.Index(fields=["digest"], name="upload_digest")]

    def __str__(self) -> str:
        return self.filename


class Subscription(models.Model):
    """A person's own choice for one item: notify me, or not. It overrides participation."""

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


def note_address(page: str, note_id: int) -> str:
    """Of a note on the page of its item. A long discussion has several pages, and the fragment, by
    which a browser finds the note, does not reach the server."""
    return f"{page}{'&' if '?' in page else '?'}note={note_id}#note-{note_id}"
