"""People and their addresses."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.models import EmailAddress, User
from issues.services.refusals import Invalid, require_valid


@transaction.atomic
def create_user(
    *,
    username: str,
    email: str,
    password: str | None = None,
    full_name: str = "",
    language: str = "en",
    verified: bool = True,
) -> User:
    """Without a password nobody can log in; mail works all the same."""
    first_name, _space, last_name = full_name.strip().partition(" ")
    user = User(
        username=username,
        email=email.strip().lower(),
        first_name=first_name,
        last_name=last_name,
        language=language,
    )
    user.set_password(password)
    require_valid(user)
    user.save()
    add_email_address(user=user, address=user.email, verified=verified)
    return user


@transaction.atomic
def add_email_address(*, user: User, address: str, verified: bool = False) -> EmailAddress:
    row = EmailAddress(
        user=user,
        address=address.strip().lower(),
        verified_at=timezone.now() if verified else None,
    )
    require_valid(row)
    row.save()
    return row


@transaction.atomic
def verify_email_address(*, address: str, now: datetime) -> EmailAddress:
    """Idempotent: the first time stays."""
    row = EmailAddress.objects.select_for_update().filter(address=address.strip().lower()).first()
    if row is None:
        raise Invalid([_("No account has this address. Add it to your account first.")])
    if row.verified_at is None:
        row.verified_at = now
        row.save(update_fields=["verified_at"])
    return row
