"""The second factor of somebody who has lost it is taken away."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from issues.models import User
from issues.services.account_mails import write_account_mail


@transaction.atomic
def reset_second_factor(*, user: User, now: datetime) -> bool:
    """False where there is none. The person is told, at a verified address."""
    removed, _by_model = Authenticator.objects.filter(user=user).delete()
    address = EmailAddress.objects.filter(user=user, verified=True).order_by("-primary").first()
    if removed and address:
        context = {
            "username": user.username,
            "site": settings.BASE_URL,
            "url": f"{settings.BASE_URL}{reverse('mfa_index')}",
        }
        with translation.override(user.language):
            write_account_mail(
                recipient=address.email,
                subject=_("Your second factor was taken away"),
                text=render_to_string("account/email/second_factor_reset.txt", context),
                now=now,
            )
    return bool(removed)
