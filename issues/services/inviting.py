"""Invitations: a link by mail; by it a new person sets their password and verifies the address."""

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from issues.models import User
from issues.services.account_mails import write_account_mail

SALT = "issues.invitation"


def can_be_invited(user: User) -> bool:
    """Who has never logged in; whoever has sets a forgotten password anew by themselves."""
    return user.is_active and user.last_login is None and bool(user.email)


@transaction.atomic
def invite(*, user: User, now: datetime) -> None:
    """Mail the link to the address of the account, in its language. It ends after
    INVITATION_DAYS, and once a password is set."""
    address, _made = EmailAddress.objects.get_or_create(
        user=user, email=user.email.lower(), defaults={"primary": True}
    )
    token = signing.dumps([address.pk, _prove(address)], salt=SALT)
    with translation.override(user.language):
        subject = _("You are invited to Letterbox")
        text = render_to_string(
            "account/email/invitation.txt",
            {
                "url": f"{settings.BASE_URL}{reverse('account-invitation', args=[token])}",
                "username": user.username,
                "site": settings.BASE_URL,
                "days": settings.INVITATION_DAYS,
            },
        )
    write_account_mail(recipient=address.email, subject=subject, text=text, now=now)


def find_invited(token: str) -> EmailAddress | None:
    """Whom the link was mailed to; None for one that is wrong, used or too old."""
    try:
        pk, proof = signing.loads(
            token, salt=SALT, max_age=timedelta(days=settings.INVITATION_DAYS)
        )
    except (signing.BadSignature, TypeError, ValueError):
        return None
    rows = EmailAddress.objects.select_related("user")
    address = rows.filter(pk=pk, user__is_active=True).first()
    is_open = address is not None and constant_time_compare(proof, _prove(address))
    return address if is_open else None


@transaction.atomic
def accept_invitation(*, address: EmailAddress, password: str) -> None:
    """Set the password, and verify the address unless it is somebody else's by now."""
    address.user.set_password(password)
    address.user.save(update_fields=["password"])
    address.set_verified()


def _prove(address: EmailAddress) -> str:
    """Another one after a password was set, after a log-in, and for another address."""
    user = address.user
    state = f"{address.email} {user.password} {user.last_login}"
    return salted_hmac(SALT, state, algorithm="sha256").hexdigest()
