"""How a message can end: its status, and the reasons in words for administrator and sender."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from issues.models import Issue
    from issues.quick_actions import Refusal as FailedCommand


class Status(models.TextChoices):
    PENDING = "pending", _("pending")
    PROCESSED = "processed", _("processed")
    REJECTED = "rejected", _("rejected")
    IGNORED = "ignored", _("ignored")
    HELD = "held", _("held")
    FAILED = "failed", _("failed")


_NOTHING_THERE = _(
    "This address doesn't accept email. Check it for typing mistakes, or copy it again from the"
    " project's page."
)
"""One answer, so that nobody finds out which projects there are."""


class Reason(models.TextChoices):
    """Why a message was not acted on.

    The label tells the administrator what happened. `for_sender` tells the sender what happened and
    what to do; it is empty where the sender is not notified.
    """

    for_sender: "StrOrPromise"

    def __new__(cls, value: str, for_sender: "StrOrPromise" = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.for_sender = for_sender
        return member

    # Rejected, with a notice to the sender: value, text for the sender, label.
    UNKNOWN_ADDRESS = (
        "unknown_address",
        _NOTHING_THERE,
        _("No recipient address of the message leads to a project, an item or a notification."),
    )
    DESK_OFF = (
        "desk_off",
        _NOTHING_THERE,
        _("The address is that of a service desk that is switched off."),
    )
    REPLIES_ONLY = (
        "replies_only",
        _(
            "This address accepts only replies to notifications, and your email doesn't show"
            " which notification it answers. Reply to a notification, or use the web page."
        ),
        _("The address accepts replies only, and the message answers no known notification."),
    )
    EMPTY = (
        "empty",
        _(
            "Your reply contained no new text. Write your answer above the quoted message and"
            " send it again."
        ),
        _("The reply contained no new text."),
    )
    NOT_FOUND = (
        "not_found",
        _(
            "The issue or merge request doesn't exist, or you don't have access to it. It may"
            " have been deleted; look at the project's page."
        ),
        _("The issue or merge request doesn't exist, or the author has no access to it."),
    )
    DELETED = (
        "deleted",
        _(
            "What you answered has been deleted, so your email was not added to it. If it still"
            " matters, write a new email or use the web page."
        ),
        _("The issue, ticket or merge request that the message answers was deleted."),
    )
    NOT_ALLOWED = (
        "not_allowed",
        _("You don't have permission to do this in this project. Ask a maintainer for access."),
        _("The author has no permission for this in the project."),
    )
    LOCKED = (
        "locked",
        _(
            "The discussion is locked: only members of the project can comment, and your email was"
            " not added to it. If it still matters, write a new email or ask a maintainer."
        ),
        _("The discussion is locked, and the author is not a member of the project."),
    )
    BLOCKED = (
        "blocked",
        _("Your account is blocked. If you think this is a mistake, contact the administrator."),
        _("The author's account is blocked."),
    )
    KEY_EXPIRED = (
        "key_expired",
        _(
            "This reply address has expired or was revoked. Use the link in the notification"
            " instead."
        ),
        _("The reply key has expired or was revoked."),
    )
    SWITCHED_OFF = (
        "switched_off",
        _("This project does not take this by email. Use its web page instead."),
        _("The project has switched this action by mail off."),
    )
    NO_SECOND_FACTOR = (
        "no_second_factor",
        _(
            "This project takes email only from people with a second factor. Set one up on the"
            " page of your account and send your email again."
        ),
        _("The project requires a second factor, and the author has none."),
    )
    INVALID = (
        "invalid",
        _(
            "Your email could not be saved as an issue, merge request or comment. Shorten its"
            " subject and send it again."
        ),
        _("The message could not be saved as an issue, merge request or comment."),
    )
    PATCH_CONFLICT = (
        "patch_conflict",
        _("Your patches don't apply. Nothing was changed."),
        _("The patches don't apply."),
    )
    PATCH_REFUSED = (
        "patch_refused",
        _("Your patches were rejected. Nothing was changed."),
        _("The patches were rejected."),
    )
    BRANCH_REFUSED = (
        "branch_refused",
        _("A merge request could not be created for these branches. Nothing was changed."),
        _("A merge request could not be created for the branches."),
    )
    TOO_LARGE = (
        "too_large",
        _("Your email is too large. Leave out the attachments, or make them smaller."),
        _("The message is larger than the limit."),
    )
    TOO_COMPLEX = (
        "too_complex",
        _(
            "Your email took too much time or memory to read. Send it again as plain text, with"
            " fewer and smaller attachments."
        ),
        _("Parsing the message took too much time or memory."),
    )
    NOT_A_MESSAGE = (
        "not_a_message",
        _("Your email arrived without header lines. Send it again from a mail program."),
        _("The message has no header lines, so it is not an email."),
    )
    # Ignored, without a notice: value, label.
    AUTOMATIC = "automatic", _("The message is an automatic reply.")
    BOUNCE = "bounce", _("The message is a delivery report.")
    RECEIPT = "receipt", _("The message is a read receipt.")
    OWN_MAIL = "own_mail", _("Letterbox sent the message itself.")
    BLOCKED_SENDER = "blocked_sender", _("The sender is blocked.")
    PROBE = "probe", _("A round-trip probe of Letterbox arrived.")
    DUPLICATE = "duplicate", _("The same message was processed before.")
    DISCARDED = "discarded", _("The message was held, reviewed and discarded.")
    # Failed, because the mail server has not given us the message: value, label.
    UNREADABLE_ON_SERVER = (
        "unreadable_on_server",
        "",
        _("The mail server could not hand over the message. It will be tried again."),
    )
    GONE_FROM_SERVER = (
        "gone_from_server",
        "",
        _("The message left the mail server before it could be read."),
    )
    # Held for review, with a notice to the sender: value, text for the sender, label.
    SENDER_MISMATCH = (
        "sender_mismatch",
        _("Your address isn't verified for the account this reply address belongs to."),
        _("The sender's address is not a verified address of the key's owner."),
    )
    NOT_AUTHENTICATED = (
        "not_authenticated",
        _("Your email failed sender authentication (SPF/DKIM/DMARC), which is required here."),
        _(
            "The message failed sender authentication (SPF/DKIM/DMARC), which the mailbox or the"
            " project requires."
        ),
    )
    STRANGER = (
        "stranger",
        _("You are not a participant in this ticket."),
        _("The sender is not a participant in this ticket."),
    )
    MEMBER_UNPROVEN = (
        "member_unproven",
        _(
            "Your address is that of a member of this project, and nothing proves that you wrote"
            " the email. Reply to a notification, or use the web page."
        ),
        _(
            "From is the address of a member of the project, and nothing proves that they wrote the"
            " message. If it is released, it is theirs, with the commands in it."
        ),
    )
    POSTMASTER = (
        "postmaster",
        _("Your email to the postmaster waits for an administrator, who reads it."),
        _("The message is for the postmaster: an administrator reads it, and discards it here."),
    )
    INTERNAL_ANSWER = (
        "internal_answer",
        _(
            "Your email answers an internal note, but the address that you sent it to reaches"
            " other readers. Reply to the notification itself, or use the web page."
        ),
        _(
            "The message answers an internal note at an address that reaches other readers, such as"
            " a customer. If it is released, they can read it, and get it by mail."
        ),
    )
    NO_SENDER = (
        "no_sender",
        _("Your email does not show an address that we could answer to."),
        _(
            "The message shows nobody who could be answered: From is missing or unusable, or is an"
            " address of ours or a mailing list's, and no other field names its author."
        ),
    )
    CONFIDENTIAL_ANSWER = (
        "confidential_answer",
        _(
            "Your email is about a confidential issue, but the address that you sent it to reaches"
            " other readers. Reply to the notification itself, or use the web page."
        ),
        _(
            "The message answers or forwards mail about a confidential issue, at an address that"
            " reaches other readers. If it is released, they can read it."
        ),
    )
    NOT_A_REPLY = (
        "not_a_reply",
        _(
            "Your email forwards a notification, or answers what somebody else wrote about it. Only"
            " a reply to the notification itself is added as a comment."
        ),
        _(
            "The message forwards a notification, or answers another mail about it. If it is"
            " released, it becomes a comment where the notification belongs."
        ),
    )
    TOO_MANY_RECIPIENTS = (
        "too_many_recipients",
        _("Your email has more recipients than are allowed."),
        _("The message has more recipients than the limit allows."),
    )
    # Held as spam, without a notice: value, label.
    SPAM = (
        "spam",
        _("The mail server marked the message as spam, or it is for a ticket that is spam."),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a handler. `text` has a form that scripts rely on: 'issue acme/shop#3'."""

    text: str
    made: models.Model | None = None
    failed_commands: "tuple[FailedCommand, ...]" = ()
    """The sender is notified about these."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The message is understood and rejected; trying again would not help."""

    status: ClassVar[Status] = Status.REJECTED
    reason: Reason
    detail: str = ""
    """A sentence about this message, which the sender reads below the reason."""

    series_parts: tuple[int, ...] = ()
    """Patches that wait for this one: once its sender is notified, no further mail is due."""

    issue: "Issue | None" = None
    """The ticket that it is about, where the key does not name it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A policy requires that a person reviews the message."""

    status: ClassVar[Status] = Status.HELD
    reason: Reason
    rule: str
    """The name of the policy, which a release waives."""

    issue: "Issue | None" = None
    """The ticket that it is about, where the key does not name it."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Not to be acted on; the sender is not notified."""

    status: ClassVar[Status] = Status.IGNORED
    reason: Reason


Refusal = Reject | Hold | Ignore


class Refused(Exception):
    """Raised where a message is not to be acted on; `refusal` says how it ends."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason.value)
        self.refusal = refusal


class Rejected(Refused):
    refusal: Reject

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        series_parts: tuple[int, ...] = (),
        issue: "Issue | None" = None,
    ) -> None:
        super().__init__(Reject(reason, detail, series_parts, issue))


class Held(Refused):
    def __init__(self, reason: Reason, rule: str, issue: "Issue | None" = None) -> None:
        super().__init__(Hold(reason, rule, issue))


class Ignored(Refused):
    def __init__(self, reason: Reason) -> None:
        super().__init__(Ignore(reason))
