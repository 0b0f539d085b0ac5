"""A desk's own address at a domain of its customers' choice, and what proves that it is theirs."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from incoming_email.secrets.credentials import EncryptedTextField
from issues.models import User
from servicedesk.models.desks import ServiceDesk

LONGEST_DETAIL = "+" + "k" * 25 + "-unsubscribe"
MAX_LOCAL = 64 - len(LONGEST_DETAIL)
"""What is left before the @ (RFC 5321 4.5.3.1.1)."""

ADDRESS = (
    rf"\A(?=[^@]{{1,{MAX_LOCAL}}}@)[a-z0-9_-]+(\.[a-z0-9_-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z"
)
LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
HOST = rf"\A(?=.{{1,253}}\Z){LABEL}(\.{LABEL})*\Z"


class Encryption(models.TextChoices):
    STARTTLS = "starttls", _("STARTTLS")
    TLS = "tls", _("TLS from the start")
    NONE = "none", _("none")


class LoginMethod(models.TextChoices):
    AUTO = "auto", _("the best that the server offers")
    CRAM_MD5 = "cram-md5", "CRAM-MD5"
    PLAIN = "plain", "PLAIN"
    LOGIN = "login", "LOGIN"


class Verification(models.TextChoices):
    NOT_STARTED = "not_started", _("not started")
    STARTED = "started", _("started")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")


class Fault(models.TextChoices):
    """Why a verification failed. The label gives the cause and what to do."""

    INCORRECT_TOKEN = (
        "incorrect_token",
        _(
            "The mail that came back does not have the token of this verification. Start it"
            " again, and forward the new mail as it is."
        ),
    )
    INCORRECT_FROM = (
        "incorrect_from",
        _(
            "The mail came back with another sender, so the forwarding changes From. Set it to"
            " keep the sender, then start again."
        ),
    )
    NOT_RECEIVED = (
        "not_received",
        _(
            "The mail did not come back in time. Forward your address, with and without +verify,"
            " to the address of the desk, then start again."
        ),
    )
    INVALID_CREDENTIALS = (
        "invalid_credentials",
        _("The mail server refused user and password. Correct them, then start again."),
    )
    SMTP_HOST = (
        "smtp_host",
        _(
            "The mail server could not be reached, or did not take the mail. Check host, port and"
            " encryption, then start again."
        ),
    )
    INCORRECT_TARGET = (
        "incorrect_target",
        _(
            "The mail came back by another address than the desk's default one, where replies"
            " would go astray. Forward to the default address, then start again."
        ),
    )
    READ_TIMEOUT = (
        "read_timeout",
        _("The mail server did not answer in time. Check host and port, or try again later."),
    )


class CustomEmail(models.Model):
    """An address that forwards to a desk, and the server that the desk then writes by.

    A desk has one at a time. Those it had before stay, without their password, since customers
    go on writing to them.
    """

    desk = models.ForeignKey(ServiceDesk, on_delete=models.CASCADE, related_name="custom_emails")
    address = models.CharField(
        _("address"),
        max_length=254,
        unique=True,
        validators=[
            RegexValidator(
                ADDRESS,
                _(
                    "Use an address such as support@example.com: lower-case letters, digits,"
                    " '.', '_' and '-', and at most 26 characters before the @."
                ),
            )
        ],
    )
    enabled = models.BooleanField(_("enabled"), default=False)
    host = models.CharField(
        _("SMTP host"),
        max_length=253,
        validators=[
            RegexValidator(HOST, _("Give the name of a host only, such as smtp.example.com."))
        ],
    )
    port = models.PositiveIntegerField(
        _("port"), default=587, validators=[MinValueValidator(1), MaxValueValidator(65_535)]
    )
    encryption = models.CharField(
        _("encryption"), max_length=10, choices=Encryption, default=Encryption.STARTTLS
    )
    user = models.CharField(_("user"), max_length=255, blank=True)
    password = EncryptedTextField(_("password"), blank=True)
    login_method = models.CharField(
        _("log-in method"), max_length=10, choices=LoginMethod, default=LoginMethod.AUTO
    )
    state = models.CharField(
        _("verification"), max_length=15, choices=Verification, default=Verification.NOT_STARTED
    )
    fault = models.CharField(_("why it failed"), max_length=25, choices=Fault, blank=True)
    fault_detail = models.CharField(_("in the server's words"), max_length=500, blank=True)
    token = EncryptedTextField(blank=True, editable=False)
    started_at = models.DateTimeField(_("verification started at"), null=True, blank=True)
    triggerer = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, verbose_name=_("started by")
    )
    verified_at = models.DateTimeField(_("first verified at"), null=True, blank=True)
    """From then on mail to it is ours, whatever the result of later verifications."""

    retired_at = models.DateTimeField(_("replaced at"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    """Since when its server rejects our mail; empty while it works."""

    alerted_at = models.DateTimeField(null=True, editable=False)
    """When the team was notified of that."""

    class Meta:
        verbose_name = _("custom email address")
        verbose_name_plural = _("custom email addresses")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["desk"], condition=Q(retired_at=None), name="one_custom_email_a_desk"
            ),
            models.CheckConstraint(
                condition=Q(enabled=False) | Q(state="finished", retired_at=None),
                name="only_a_verified_custom_email_is_enabled",
            ),
            models.CheckConstraint(
                condition=~Q(state="started") | Q(started_at__isnull=False),
                name="a_verification_has_a_start",
            ),
            models.CheckConstraint(
                condition=Q(address=Lower(F("address"))), name="custom_email_is_lower_case"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["started_at"], condition=Q(state="started"), name="custom_email_awaited"
            ),
        ]

    def __str__(self) -> str:
        return self.address
