"""Mailboxes that mail comes in by, and who reads each of them now."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incoming_email.credentials import EncryptedTextField
from incoming_email.inboxes.accounts import ImapAccount
from incoming_email.parsing.addresses import AddressTemplate, InvalidTemplate, parse_template

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LAST_IDLE_SECONDS = 29 * 60


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
