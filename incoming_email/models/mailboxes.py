"""Mailboxes that mail is received through, and which process reads each of them now."""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incoming_email.inboxes import registry
from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.methods import Account, Method
from incoming_email.inboxes.oauth_client import TokenCommand, parse_token_command
from incoming_email.inboxes.settings import Columns, Installation, MailboxSettings
from incoming_email.inboxes.shared import NOTHING_TO_POLL
from incoming_email.models import heartbeats
from incoming_email.models.policies import Policies
from incoming_email.models.probing import Probing
from incoming_email.models.retention import Retention
from incoming_email.parsing.addresses import AddressTemplate, InvalidTemplate, parse_template
from incoming_email.secrets import secret_files
from incoming_email.secrets.credentials import EncryptedTextField
from issues.clock_skew import latest_now

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LAST_IDLE_SECONDS = 29 * 60
LONGEST_PAUSE = timedelta(hours=1)
"""Of those that a server asks for; the poll interval may be longer."""


class Purpose(models.TextChoices):
    INCOMING_EMAIL = "incoming_email", _("Incoming email")
    SERVICE_DESK_EMAIL = "service_desk_email", _("Service desk email")


class InboxMethod(models.TextChoices):
    IMAP = "imap", _("IMAP")
    MICROSOFT_GRAPH = "microsoft_graph", _("Microsoft Graph")
    MAILDIR = "maildir", _("Maildir: a folder of this machine")
    SMTP = "smtp", _("SMTP: Letterbox listens itself")


class LoginMethod(models.TextChoices):
    PASSWORD = "password", _("User and password")
    XOAUTH2 = "xoauth2", _("OAuth 2.0 (XOAUTH2)")


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def of_polled_methods(self) -> Self:
        """Those that mail is fetched from; with the others it is delivered to us."""
        return self.filter(inbox_method__in=registry.find_polled())

    def fetched(self) -> Self:
        return self.of_polled_methods().filter(enabled=True)

    def to_poll(self, now: datetime) -> Self:
        """A pause that ends later than any pause lasts was set by a clock that was wrong."""
        rows = self.fetched().filter(next_poll_at__gt=now + LONGEST_PAUSE)
        wrong = [
            pk
            for pk, ends_at, interval in rows.values_list("pk", "next_poll_at", "poll_interval")
            if ends_at > now + LONGEST_PAUSE + timedelta(seconds=interval)
        ]
        is_due = Q(next_poll_at=None) | Q(next_poll_at__lte=now) | Q(pk__in=wrong)
        return self.fetched().filter(is_due)

    def lease(self, pk: int, *, holder: str, now: datetime, seconds: int) -> bool:
        """Become, or stay, the only reader of the mailbox; False while another process is.

        A lease that ends further ahead than it lasts was taken by a clock that was wrong, and
        counts as free.
        """
        longest = latest_now(now) + timedelta(seconds=seconds)
        free = Q(lease_until=None) | Q(lease_until__lt=now) | Q(lease_until__gte=longest)
        free |= Q(lease_holder=holder)
        return bool(
            self.filter(free, pk=pk, enabled=True).update(
                lease_holder=holder, lease_until=now + timedelta(seconds=seconds)
            )
        )

    def release(self, pk: int, *, holder: str) -> None:
        self.filter(pk=pk, lease_holder=holder).update(lease_holder="", lease_until=None)


class Mailbox(Policies, Probing, Retention):
    """A configured account that mail is received through."""

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
    login_method = models.CharField(
        _("log-in"), max_length=10, choices=LoginMethod, default=LoginMethod.PASSWORD
    )
    token_endpoint = models.CharField(_("token endpoint"), max_length=500, blank=True)
    token_scope = models.CharField(_("scope"), max_length=500, blank=True)
    refresh_token = EncryptedTextField(_("refresh token"), blank=True)
    tenant_id = models.CharField(_("tenant id"), max_length=255, blank=True)
    client_id = models.CharField(_("client id"), max_length=255, blank=True)
    client_secret = EncryptedTextField(_("client secret"), blank=True)
    azure_ad_endpoint = models.CharField(
        _("Azure AD endpoint"), max_length=255, default="https://login.microsoftonline.com"
    )
    graph_endpoint = models.CharField(
        _("Graph endpoint"), max_length=255, default="https://graph.microsoft.com"
    )
    other_mailbox = models.CharField(
        _("mailbox of others"),
        max_length=254,
        blank=True,
        default="",
        help_text=_("An address that the app must not be able to read; the check tries it."),
    )
    poll_interval = models.PositiveIntegerField(
        _("seconds between two readings"), default=60, validators=[MinValueValidator(1)]
    )
    maildir_path = models.CharField(_("path of the Maildir"), max_length=500, blank=True)
    folder = models.CharField(_("folder"), max_length=255, default="inbox")
    idle_timeout = models.PositiveIntegerField(
        _("IDLE time-out in seconds"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(LAST_IDLE_SECONDS)],
        help_text=_("IDLE is re-issued after this many seconds (max. 29 minutes, RFC 2177)."),
    )
    delete_after_delivery = models.BooleanField(_("delete after delivery"), default=True)
    expunge_deleted = models.BooleanField(
        _("expunge deleted"), default=False, help_text=_("Needs a server with UIDPLUS.")
    )
    starts_at = models.DateTimeField(
        _("start from"),
        null=True,
        blank=True,
        help_text=_("Mail that came before is left alone. Empty: all that is unread is taken in."),
    )
    enabled_at = models.DateTimeField(null=True, editable=False, default=timezone.now)
    """When it was made, or switched on last: nobody reads a mailbox before."""

    # Live state, written by the process that reads the mailbox.
    position = models.CharField(max_length=255, blank=True, editable=False)
    lease_holder = models.CharField(max_length=100, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    next_poll_at = models.DateTimeField(null=True, editable=False)
    """Not polled before this time: the poll interval, or a pause that the server asked for."""

    server_notice = models.TextField(_("notice of the server"), blank=True, editable=False)
    """What the server reports to people: an IMAP ALERT, or that the quota is used up."""

    rotated_token = EncryptedTextField(blank=True, editable=False)
    """`digest:token`: the token that the provider gave for the refresh token with this digest."""

    alerted_at = models.DateTimeField(_("alert sent"), null=True, editable=False)
    """When administrators were notified that it fails; empty again once they are notified that it
    works."""

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
        problems |= self.find_policy_problems() | self._find_connection_problems()
        if problems:
            raise ValidationError(problems)

    @property
    def template(self) -> AddressTemplate:
        """The address, ready for matching; it was checked when the row was saved."""
        return parse_template(self.address)

    def _find_connection_problems(self) -> "dict[str, StrOrPromise]":
        """A mailbox that is off may lack what the encrypted file may hold: that can be written only
        once the row is there."""
        excused = () if self.enabled else secret_files.KNOWN_KEYS
        given = self.connection_settings()
        found = registry.find_problems(self.inbox_method, given, excused=excused)
        return {column: _(sentence) for column, sentence in found.items()}

    @property
    def method(self) -> Method[Any] | None:
        """What its inbox method says of itself; None while the value is no choice."""
        return registry.find(self.inbox_method)

    @property
    def is_fetched(self) -> bool:
        """Whether mail is fetched; else it is delivered to us."""
        return self.inbox_method in registry.find_polled()

    def is_unread_for(self, minutes: int, *, now: datetime) -> bool:
        """Whether nobody has read it for so long, or since it was switched on, whatever the cause;
        where mail is fetched at intervals, beyond the interval. A time that lies ahead was set by a
        clock that was wrong."""
        polling = self.method.polling if self.method else None
        interval = self.poll_interval if polling and polling.by_interval else 0
        limit = now - timedelta(minutes=minutes, seconds=interval)
        times = (self.last_success_at, self.enabled_at)
        known = [at for at in times if at and at <= latest_now(now)]
        return max(known, default=limit) <= limit

    @property
    def token_command(self) -> TokenCommand | None:
        """The program that prints an access token: named in the environment, never in the row."""
        entry = settings.IMAP_TOKEN_COMMANDS.get(self.name)
        return parse_token_command(entry) if entry else None

    @property
    def log_in(self) -> secret_files.Secrets:
        """User and password to connect with: those of the encrypted file go before the row's.

        While the file can't be read there is no password: the row's may be an old one.
        """
        kept = secret_files.find_secrets(self.pk)
        if kept.is_unreadable:
            return replace(kept, user=self.user)
        return secret_files.Secrets(kept.user or self.user, kept.password or self.password)

    def connection_settings(self) -> MailboxSettings:
        log_in = self.log_in
        columns = {column.name: getattr(self, column.name) for column in fields(Columns)}
        return MailboxSettings(
            **(columns | {"user": log_in.user, "password": log_in.password}),
            token_command=self.token_command,
            keep=partial(_keep_rotated, self.pk or 0),
            installation=find_installation(),
        )

    def account(self) -> Account:
        """How to connect. Raises InboxError where mail is not fetched."""
        if self.method is None or self.method.polling is None:
            raise InboxError(NOTHING_TO_POLL)
        account: Account = self.method.account.of(self.connection_settings())
        return account


def _keep_rotated(pk: int, text: str) -> None:
    Mailbox.objects.filter(pk=pk).update(rotated_token=text)


def find_installation() -> Installation:
    """What is the same for every mailbox."""
    return Installation(
        imap_ca_file=settings.IMAP_CA_FILE,
        https_ca_file=settings.HTTPS_CA_FILE,
        local_networks=settings.MAILBOX_LOCAL_NETWORKS,
        max_message_bytes=settings.MAX_MESSAGE_BYTES,
        host_name=settings.MESSAGE_ID_HOST,
        listener_host=settings.SMTP_LISTENER_HOST,
        listener_port=settings.SMTP_LISTENER_PORT,
        lmtp_port=settings.LMTP_LISTENER_PORT,
        is_listener_alive=lambda: heartbeats.is_alive(heartbeats.SMTP_LISTENER, now=timezone.now()),
    )
