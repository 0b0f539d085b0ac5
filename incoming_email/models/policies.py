"""Whose word a mailbox takes: for the sender of a message, and for what is spam."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_domain_name
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class SenderPolicy(models.TextChoices):
    OFF = "off", _("off: the key alone decides")
    FLAG = "flag", _("flag: as off, and the trace says whether From fits and is proven")
    MATCH = "match", _("match: From must be a verified address of the key's owner")
    REQUIRE = "require", _("require: match, and the mail server or a DKIM signature proves it")


class SpamPolicy(models.TextChoices):
    OFF = "off", _("off: marks of spam are not looked at")
    HOLD = "hold", _("hold: what the mail server marks as spam waits in a list of its own")


class Policies(models.Model):
    """Columns of a mailbox."""

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
    trusted_forwarders = models.TextField(
        _("trusted forwarders"),
        blank=True,
        default="",
        help_text=_(
            "Domains, one a line, of mailing lists and forwarders whose ARC seals count as proof of"
            " the sender, such as lists.example.org. Where your own mail server seals too, name it."
        ),
    )
    spam_policy = models.CharField(
        _("marked as spam"),
        max_length=10,
        choices=SpamPolicy,
        default=SpamPolicy.OFF,
        db_default=SpamPolicy.OFF,
        help_text=_(
            "By your own mail server. Mail to the secret address of a member is never held as spam."
        ),
    )

    class Meta:
        abstract = True

    @property
    def forwarders(self) -> frozenset[str]:
        """Domains that may vouch for senders by ARC, in lower case."""
        return frozenset(self.trusted_forwarders.lower().replace(",", " ").split())

    def find_policy_problems(self) -> "dict[str, StrOrPromise]":
        """Sentences by column, for `clean`."""
        wrong = [name for name in sorted(self.forwarders) if not _is_domain(name)]
        if not wrong:
            return {}
        sentence = _("%s is no domain. Write names such as lists.example.org, one a line.")
        return {"trusted_forwarders": sentence % ", ".join(wrong)}


def _is_domain(name: str) -> bool:
    try:
        validate_domain_name(name)
    except ValidationError:
        return False
    return True
