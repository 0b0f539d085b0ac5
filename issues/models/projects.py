"""Projects, who may do what in them, and their labels."""

import re
from fnmatch import fnmatchcase
from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.models.people import User


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


MAIL_FIELDS = (
    *("replies_by_mail", "issues_by_mail", "comments_by_mail", "merge_requests_by_mail"),
    *("mail_needs_authentication", "mail_needs_second_factor"),
)
"""Of Project: what it takes by mail, and from which members."""


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
    default_branch = models.CharField(
        _("default branch"),
        max_length=200,
        default="main",
        help_text=_("Merge requests go there unless they name another one. Always protected."),
    )
    protected_branches = models.TextField(
        _("protected branches"),
        blank=True,
        help_text=_("One pattern a line, such as release-*. Only maintainers may change them."),
    )
    replies_by_mail = models.BooleanField(
        _("replies by mail"),
        default=True,
        db_default=True,
        help_text=_("Answers to notifications become comments."),
    )
    issues_by_mail = models.BooleanField(
        _("new issues by mail"),
        default=True,
        db_default=True,
        help_text=_("To members' private addresses; the service desk has a switch of its own."),
    )
    comments_by_mail = models.BooleanField(
        _("comments by mail"),
        default=True,
        db_default=True,
        help_text=_("To the private addresses of issues."),
    )
    merge_requests_by_mail = models.BooleanField(
        _("merge requests by mail"), default=True, db_default=True
    )
    mail_needs_authentication = models.BooleanField(
        _("mail needs an authenticated sender"),
        default=False,
        db_default=False,
        help_text=_("Mail in a member's name is held unless From is theirs and is proven."),
    )
    mail_needs_second_factor = models.BooleanField(
        _("mail needs a second factor"),
        default=False,
        db_default=False,
        help_text=_("Mail in the name of a member without one is rejected."),
    )
    last_issue_iid = models.PositiveIntegerField(default=0, editable=False)
    last_merge_request_iid = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")

    def __str__(self) -> str:
        return self.path

    def is_protected(self, branch: str) -> bool:
        """Whether only maintainers may change the branch."""
        patterns = [line.strip() for line in self.protected_branches.splitlines()]
        return branch == self.default_branch or any(fnmatchcase(branch, p) for p in patterns if p)

    @property
    def slug(self) -> str:
        """The path as it is in addresses: decoration for people."""
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
        return gettext("%(user)s in %(project)s") % {"user": self.user, "project": self.project}


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
