"""Mailboxes we read, the ledger of every message read, and the keys that give identity."""

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incoming_email.credentials import EncryptedTextField
from incoming_email.inboxes.accounts import ImapAccount
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.addresses import AddressTemplate, InvalidTemplate, parse_template
from issues.models import Issue, MergeRequest, Note, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

KEY_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
KEY_LENGTH = 25
LAST_IDLE_SECONDS = 29 * 60


def new_key() -> str:
    """128 random bits in base 36, padded to 25 characters: letter case does not matter."""
    number, digits = secrets.randbits(128), ""
    while number:
        number, rest = divmod(number, 36)
        digits = KEY_ALPHABET[rest] + digits
    return digits.rjust(KEY_LENGTH, "0")


def reason_choices() -> "list[tuple[str, StrOrPromise]]":
    """Called late, so that a better sentence needs no migration."""
    return list(Reason.choices)


class Purpose(models.TextChoices):
    INCOMING_EMAIL = "incoming_email", _("Incoming email")
    SERVICE_DESK_EMAIL = "service_desk_email", _("Service desk email")


class InboxMethod(models.TextChoices):
    IMAP = "imap", _("IMAP")
    SMTP = "smtp", _("SMTP: Letterbox listens itself")


class SenderPolicy(models.TextChoices):
    OFF = "off", _("off: the key alone decides")
    MATCH = "match", _("match: From must be a verified address of the key's owner")
    REQUIRE = "require", _("require: match, and the mail server vouches for it")


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def lease(self, pk: int, *, holder: str, now: datetime, seconds: int) -> bool:
        """Become, or stay, the only one who reads the mailbox; False while another one is."""
        free = Q(lease_until=None) | Q(lease_until__lt=now) | Q(lease_holder=holder)
        return bool(
            self.filter(free, pk=pk, enabled=True).update(
                lease_holder=holder, lease_until=now + timedelta(seconds=seconds)
            )
        )

    def release(self, pk: int, *, holder: str) -> None:
        self.filter(pk=pk, lease_holder=holder).update(lease_holder="", lease_until=None)


class Mailbox(models.Model):
    """A configured account that mail comes in by."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    enabled = models.BooleanField(_("enabled"), default=False)
    purpose = models.CharField(
        _("purpose"), max_length=20, choices=Purpose, default=Purpose.INCOMING_EMAIL
    )
    address = models.CharField(
        _("address"),
        max_length=254,
        help_text=_(
            "For example incoming+%{key}@example.com. Without %{key} it takes replies only."
        ),
    )
    inbox_method = models.CharField(
        _("inbox method"), max_length=20, choices=InboxMethod, default=InboxMethod.IMAP
    )
    host = models.CharField(_("host"), max_length=255, blank=True)
    port = models.PositiveIntegerField(
        _("port"), default=143, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    ssl = models.BooleanField(_("TLS from the start"), default=False)
    start_tls = models.BooleanField(_("STARTTLS"), default=False)
    user = models.CharField(_("user"), max_length=255, blank=True)
    password = EncryptedTextField(_("password"), blank=True)
    folder = models.CharField(_("folder"), max_length=255, default="inbox")
    idle_timeout = models.PositiveIntegerField(
        _("IDLE time-out in seconds"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(LAST_IDLE_SECONDS)],
        help_text=_("Renewed after this time; at most 29 minutes (RFC 2177)."),
    )
    delete_after_delivery = models.BooleanField(_("delete after delivery"), default=True)
    expunge_deleted = models.BooleanField(
        _("expunge deleted"), default=False, help_text=_("Needs a server with UIDPLUS.")
    )
    reply_sender_policy = models.CharField(
        _("sender policy for replies"),
        max_length=10,
        choices=SenderPolicy,
        default=SenderPolicy.MATCH,
    )
    token_sender_policy = models.CharField(
        _("sender policy for private addresses"),
        max_length=10,
        choices=SenderPolicy,
        default=SenderPolicy.OFF,
    )
    trusted_authserv_id = models.CharField(
        _("trusted authserv-id"),
        max_length=255,
        blank=True,
        help_text=_("The name your own mail server writes into Authentication-Results."),
    )
    # Live state, written by whoever reads the mailbox.
    position = models.CharField(max_length=255, blank=True, editable=False)
    lease_holder = models.CharField(max_length=100, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)

    objects = MailboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        problems: dict[str, StrOrPromise] = {}
        try:
            parse_template(self.address)
        except InvalidTemplate as error:
            problems["address"] = str(error)
        if self.ssl and self.start_tls:
            problems["start_tls"] = _("Choose TLS from the start or STARTTLS, not both.")
        if self.inbox_method == InboxMethod.IMAP and not self.host:
            problems["host"] = _("IMAP needs the name of the server.")
        if self.inbox_method == InboxMethod.IMAP and not self.user:
            problems["user"] = _("IMAP needs a user to log in as.")
        if problems:
            raise ValidationError(problems)

    @property
    def template(self) -> AddressTemplate:
        """The address, ready for matching; it was checked when the row was saved."""
        return parse_template(self.address)

    def imap_account(self) -> ImapAccount:
        return ImapAccount(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            ssl=self.ssl,
            start_tls=self.start_tls,
            folder=self.folder,
            delete_after_delivery=self.delete_after_delivery,
            expunge_deleted=self.expunge_deleted,
            idle_timeout=self.idle_timeout,
            ca_file=settings.IMAP_CA_FILE,
            max_message_bytes=settings.MAX_MESSAGE_BYTES,
        )


class InboundEmailQuerySet(models.QuerySet["InboundEmail"]):
    def due(self, now: datetime) -> Self:
        return self.filter(
            status=Status.PENDING,
            next_attempt_at__lte=now,
            attempts__lt=settings.MAX_ATTEMPTS,
        )

    def exhausted(self, now: datetime) -> Self:
        return self.filter(
            status=Status.PENDING,
            next_attempt_at__lte=now,
            attempts__gte=settings.MAX_ATTEMPTS,
        )

    def claim(self, pk: int, *, now: datetime) -> bool:
        """Take one attempt at the message; the next may start only after a growing pause.

        The attempt is counted and committed before the work, so a message that kills its
        worker runs out of attempts too.
        """
        attempts = self.due(now).filter(pk=pk).values_list("attempts", flat=True).first()
        if attempts is None:
            return False
        return bool(
            self.due(now)
            .filter(pk=pk, attempts=attempts)
            .update(attempts=attempts + 1, next_attempt_at=now + pause_after(attempts))
        )


def pause_after(attempts: int) -> timedelta:
    """How long an attempt may take before the next one may start: 5 minutes, doubling."""
    return timedelta(seconds=settings.PROCESSING_LEASE_SECONDS * 2.0**attempts)


class InboundEmail(models.Model):
    """The ledger: one row a message that arrived, from its bytes to what became of it.

    PENDING owes work, and HELD waits for a person; the other four are ends. `requeue` brings a
    REJECTED, IGNORED or FAILED row back to PENDING, a release does so with a HELD one.
    """

    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, verbose_name=_("mailbox"))
    source_id = models.CharField(_("source id"), max_length=255)
    recipient = models.CharField(_("envelope recipient"), max_length=254, blank=True)
    raw = models.BinaryField()
    oversize = models.BooleanField(default=False, editable=False)
    """Only the header was stored, since the message is larger than MAX_MESSAGE_BYTES."""

    digest = models.CharField(max_length=64, editable=False)
    """SHA-256 of the bytes."""

    received_at = models.DateTimeField(_("received at"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=40, choices=reason_choices, blank=True)
    handler = models.CharField(_("handler"), max_length=40, blank=True)
    outcome = models.CharField(_("outcome"), max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    last_error = models.TextField(_("last error"), blank=True)
    # Filled in when the message is processed.
    message_id = models.CharField(_("Message-ID"), max_length=255, blank=True)
    sender = models.CharField(_("sender"), max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    key_digest = models.CharField(max_length=64, blank=True, editable=False)
    effect_key = models.CharField(  # noqa: DJ001  (only the acting row holds one)
        max_length=64, unique=True, null=True, editable=False
    )
    """What makes it act once: set together with the effect, so a second one can't commit."""

    trace = models.JSONField(_("trace"), default=list)
    defects = models.JSONField(_("defects"), default=list)
    held_rule = models.CharField(_("held by rule"), max_length=40, blank=True)
    waived_rules = models.JSONField(_("waived rules"), default=list)
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="duplicates"
    )
    issue = models.ForeignKey(Issue, null=True, on_delete=models.SET_NULL, related_name="+")
    merge_request = models.ForeignKey(
        MergeRequest, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.ForeignKey(Note, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = InboundEmailQuerySet.as_manager()

    class Meta:
        verbose_name = _("inbound email")
        verbose_name_plural = _("inbound email")
        permissions: ClassVar = [
            ("download_raw", _("Can download the raw message")),
            ("requeue_inboundemail", _("Can process again, release and discard")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mailbox", "source_id"], name="one_row_a_message"),
            models.CheckConstraint(
                condition=Q(status__in=[Status.PENDING, Status.HELD], finished_at=None)
                | (~Q(status__in=[Status.PENDING, Status.HELD]) & Q(finished_at__isnull=False)),
                name="finished_when_ended",
            ),
            models.CheckConstraint(
                condition=(Q(status=Status.PROCESSED) & ~Q(handler="") & ~Q(outcome=""))
                | (~Q(status=Status.PROCESSED) & Q(handler="", outcome="")),
                name="outcome_when_processed",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status__in=[Status.REJECTED, Status.IGNORED, Status.HELD]) & ~Q(reason="")
                )
                | (~Q(status__in=[Status.REJECTED, Status.IGNORED, Status.HELD]) & Q(reason="")),
                name="reason_when_not_acted_on",
            ),
            models.CheckConstraint(
                condition=Q(effect_key=None) | Q(status=Status.PROCESSED),
                name="effect_key_when_processed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status=Status.PENDING),
                name="inbound_due",
            ),
            models.Index(fields=["status", "received_at"], name="inbound_by_status"),
            models.Index(fields=["message_id"], name="inbound_by_message_id"),
            models.Index(fields=["sender"], name="inbound_by_sender"),
        ]

    def __str__(self) -> str:
        return f"inbound email {self.pk}"

    def save_as(self, status: Status, *, now: datetime, reason: Reason | None = None) -> None:
        """Write how it ended (or that it waits) with all that processing found out."""
        self.status, self.reason = status, reason or ""
        waiting = status in {Status.PENDING, Status.HELD}
        self.finished_at = None if waiting else now
        self.save(update_fields=FOUND_OUT)


FOUND_OUT = [
    *("status", "reason", "handler", "outcome", "finished_at", "message_id", "sender", "subject"),
    *("key_digest", "effect_key", "trace", "defects", "held_rule", "waived_rules"),
    *("duplicate_of", "issue", "merge_request", "note"),
]


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
        ]

    def __str__(self) -> str:
        return f"{self.key[:4]}…"

    @property
    def item(self) -> Issue | MergeRequest:
        item = self.issue or self.merge_request
        assert item is not None  # noqa: S101  (reply_key_for_one_item)
        return item


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
        return f"sender token of {self.user}"


class Heartbeat(models.Model):
    """When a long-running process was last seen alive."""

    name = models.CharField(max_length=50, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
