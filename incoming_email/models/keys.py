"""The keys that give identity: reply keys and the tokens of private addresses."""

import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from incoming_email.secrets.credentials import EncryptedTextField
from issues.models import Issue, MergeRequest, Project, User

KEY_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
KEY_LENGTH = 25


def new_key() -> str:
    """128 random bits in base 36, padded to 25 characters: letter case does not matter."""
    number, digits = secrets.randbits(128), ""
    while number:
        number, rest = divmod(number, 36)
        digits = KEY_ALPHABET[rest] + digits
    return digits.rjust(KEY_LENGTH, "0")


class ReplyKey(models.Model):
    """A key that lets one person answer about one item: a bearer secret."""

    key = models.CharField(max_length=KEY_LENGTH, unique=True, default=new_key, editable=False)
    recipient = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE)
    external_email = models.EmailField(max_length=254, blank=True)
    issue = models.ForeignKey(Issue, null=True, blank=True, on_delete=models.CASCADE)
    merge_request = models.ForeignKey(MergeRequest, null=True, blank=True, on_delete=models.CASCADE)
    discussion = models.CharField(max_length=32, blank=True)
    """Notes made by this key go there; empty starts a discussion of their own."""

    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    """REPLY_KEY_DAYS after the newest notification that bears it; see `ends_at`."""

    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("reply key")
        verbose_name_plural = _("reply keys")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(issue__isnull=False, merge_request=None)
                | Q(issue=None, merge_request__isnull=False),
                name="reply_key_for_one_item",
            ),
            models.CheckConstraint(
                condition=(Q(recipient__isnull=False) & Q(external_email=""))
                | (Q(recipient=None) & ~Q(external_email="")),
                name="reply_key_for_one_person",
            ),
            models.UniqueConstraint(
                fields=["recipient", "issue", "discussion"],
                condition=Q(recipient__isnull=False, issue__isnull=False, revoked_at=None),
                name="one_reply_key_a_discussion",
            ),
            models.UniqueConstraint(
                fields=["recipient", "merge_request", "discussion"],
                condition=Q(recipient__isnull=False, merge_request__isnull=False, revoked_at=None),
                name="one_reply_key_a_mr_discussion",
            ),
            models.UniqueConstraint(
                fields=["external_email", "issue", "discussion"],
                condition=Q(recipient=None, issue__isnull=False, revoked_at=None),
                name="one_reply_key_an_external_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key[:4]}…"

    @property
    def ends_at(self) -> datetime | None:
        """None for never. One that was minted while REPLY_KEY_DAYS was 0 ends as well, once it is
        set."""
        if self.expires_at is None and settings.REPLY_KEY_DAYS:
            return self.created_at + timedelta(days=settings.REPLY_KEY_DAYS)
        return self.expires_at

    def is_valid(self, now: datetime) -> bool:
        """Whether an answer to it counts."""
        return self.revoked_at is None and (self.ends_at is None or now < self.ends_at)

    @property
    def item(self) -> Issue | MergeRequest:
        """What an answer is for: where that was merged into another issue, the other one."""
        item = self.issue.current if self.issue else self.merge_request
        assert item is not None  # noqa: S101  (reply_key_for_one_item)
        return item


class RetiredReplyKey(models.Model):
    """The reply key of an issue or merge request that was deleted: who answers that is told so."""

    key = models.CharField(max_length=KEY_LENGTH, unique=True, editable=False)
    recipient = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE)
    external_email = models.EmailField(max_length=254, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    retired_at = models.DateTimeField(auto_now_add=True)
    iid = models.PositiveIntegerField(null=True, editable=False)
    """Of the issue; null for a merge request, and where an earlier version deleted it."""

    answered_at = models.DateTimeField(null=True, editable=False)
    """When its owner first answered what was deleted."""

    class Meta:
        verbose_name = _("retired reply key")
        verbose_name_plural = _("retired reply keys")
        indexes: ClassVar = [
            models.Index(
                fields=["project", "answered_at"],
                condition=Q(answered_at__isnull=False),
                name="retired_key_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key[:4]}…"


class SenderToken(models.Model):
    """The secret in a person's private addresses. Whoever knows it acts as that person."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="sender_token")
    token = EncryptedTextField(editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    """Keyed digest, to find the owner by."""

    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("sender token")
        verbose_name_plural = _("sender tokens")

    def __str__(self) -> str:
        return gettext("sender token of %(user)s") % {"user": self.user}
