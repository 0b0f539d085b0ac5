"""People and their addresses."""

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from issues.mail_addresses import find_spellings
from issues.models import User
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
    """Where mail goes already, it is the primary one. Raises Invalid, also for what is verified
    as somebody else's."""
    email = address.strip().lower()
    theirs = EmailAddress.objects.filter(email__in=find_spellings(email), verified=True)
    if theirs.exclude(user=user).exists():
        raise Invalid([_("Another account has this address. Give a different one.")])
    row = EmailAddress(user=user, email=email, verified=verified, primary=email == user.email)
    require_valid(row)
    row.save()
    return row


@transaction.atomic
def choose_primary_address(user: User) -> None:
    """The one that mail goes to, where it is among the account's."""
    addresses = EmailAddress.objects.filter(user=user)
    addresses.exclude(email=user.email.lower()).update(primary=False)
    addresses.filter(email=user.email.lower()).update(primary=True)
