"""How a message can end, in words that the ledger, the handlers and the sender share."""

from dataclasses import dataclass
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    PENDING = "pending", _("pending")
    PROCESSED = "processed", _("processed")
    REJECTED = "rejected", _("rejected")
    IGNORED = "ignored", _("ignored")
    HELD = "held", _("held")
    FAILED = "failed", _("failed")


class Reason(models.TextChoices):
    """Why a message was not acted on. The label is the sentence that its sender reads."""

    # Turned down: the sender is told.
    UNKNOWN_ADDRESS = (
        "unknown_address",
        _(
            "Nothing at this address can take your email. Check the address for typing mistakes,"
            " or copy it again from the project's page."
        ),
    )
    REPLIES_ONLY = (
        "replies_only",
        _(
            "This address takes only replies to our notifications, and we could not tell which"
            " one you answered. Answer a notification, or use the web page."
        ),
    )
    EMPTY = (
        "empty",
        _(
            "Your email has no text of its own. Write your answer above the quoted message,"
            " then send it again."
        ),
    )
    NOT_FOUND = (
        "not_found",
        _(
            "What you wrote to does not exist, or you may not see it. It may have been deleted;"
            " look at the project's page."
        ),
    )
    NOT_ALLOWED = (
        "not_allowed",
        _("You may not do this in this project. Ask one of its maintainers for the right to."),
    )
    LOCKED = (
        "locked",
        _("The discussion is locked, so only members may comment. Ask one of the maintainers."),
    )
    BLOCKED = (
        "blocked",
        _("Your account is blocked. If you think that is wrong, write to the administrators."),
    )
    KEY_EXPIRED = (
        "key_expired",
        _("The reply address has expired or was revoked. Use the link in the mail to answer."),
    )
    INVALID = (
        "invalid",
        _("Your email could not be turned into a valid item. Shorten its subject and try again."),
    )
    PATCH_CONFLICT = (
        "patch_conflict",
        _("Your patches do not apply, so nothing was changed."),
    )
    PATCH_REFUSED = "patch_refused", _("Your patches were not taken, so nothing was changed.")
    BRANCH_REFUSED = (
        "branch_refused",
        _("No merge request could be made of these branches, so nothing was changed."),
    )
    TOO_LARGE = (
        "too_large",
        _("Your email is too large to be taken. Leave out the attachments, or make them smaller."),
    )
    TOO_COMPLEX = (
        "too_complex",
        _(
            "Reading your email took too much time or memory. Send it again as plain text, with"
            " fewer and smaller attachments."
        ),
    )
    NOT_A_MESSAGE = "not_a_message", _("What arrived has no header line, so it is no email.")
    # Not acted on, in silence.
    AUTOMATIC = "automatic", _("Automatic replies are not acted on.")
    BOUNCE = "bounce", _("Delivery reports are not acted on.")
    RECEIPT = "receipt", _("Read receipts are not acted on.")
    OWN_MAIL = "own_mail", _("Our own mail came back to us.")
    BLOCKED_SENDER = "blocked_sender", _("Mail from this sender is blocked.")
    PROBE = "probe", _("A probe of ours came back, as it should.")
    DUPLICATE = "duplicate", _("The same message was acted on before.")
    DISCARDED = "discarded", _("A person looked at the held message and discarded it.")
    # Held for a person.
    SENDER_MISMATCH = (
        "sender_mismatch",
        _("The sender's address is not one of the verified addresses of the key's owner."),
    )
    NOT_AUTHENTICATED = (
        "not_authenticated",
        _(
            "Neither the mail server nor a DKIM signature proves who sent it, and this mailbox"
            " asks for that."
        ),
    )
    STRANGER = (
        "stranger",
        _("The sender takes no part in the ticket that the message answers."),
    )
    TOO_MANY_RECIPIENTS = (
        "too_many_recipients",
        _("The message has more recipients than the limit allows."),
    )


@dataclass(frozen=True, slots=True)
class Unheeded:
    """A command in a mail that was not carried out, and why: a sentence for its sender."""

    line: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. `text` reads as scripts rely on, for example 'issue acme/shop#3'."""

    text: str
    made: models.Model | None = None
    unheeded: tuple[Unheeded, ...] = ()
    """The sender is told of these."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The message is understood and turned down; trying again would not help."""

    status: ClassVar[Status] = Status.REJECTED
    reason: Reason
    detail: str = ""
    """A sentence on this very message, which the sender reads below that of the reason."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A rule wants a person to look first."""

    status: ClassVar[Status] = Status.HELD
    reason: Reason
    rule: str
    """What a release waives."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Not to be acted on, in silence."""

    status: ClassVar[Status] = Status.IGNORED
    reason: Reason


Refusal = Reject | Hold | Ignore


class Refused(Exception):
    """Raised where a message is not to be acted on; `refusal` says how it ends."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason.value)
        self.refusal = refusal


class Rejected(Refused):
    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(Reject(reason, detail))


class Held(Refused):
    def __init__(self, reason: Reason, rule: str) -> None:
        super().__init__(Hold(reason, rule))


class Ignored(Refused):
    def __init__(self, reason: Reason) -> None:
        super().__init__(Ignore(reason))
