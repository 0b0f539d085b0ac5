"""allauth's pages the way of this installation: who logs in, by what, and how its mails go out."""

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account import forms
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from issues import services
from issues.mail_addresses import find_spellings
from issues.models import User
from issues.services.inviting import SALT as INVITATION_SALT

BACKEND = "django.contrib.auth.backends.ModelBackend"
TO_UNVERIFIED = "account/email/email_confirmation"
"""The one mail of allauth that goes to an address which is nobody's yet."""


class LoginForm(forms.LoginForm):
    """One field for the name or an address."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["login"].label = _("User name or e-mail address")
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autofocus": True}
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class AccountAdapter(DefaultAccountAdapter):
    """What allauth asks the installation."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """By name or verified address. Failures count for the name, whatever was given: else an
        account with two addresses could be tried three times as often."""
        given = str(credentials.get("username") or credentials.get("email") or "")
        name, password = find_username(given), credentials.get("password")
        return authenticate(request, username=name, password=password)

    def login(self, request: HttpRequest, user: Any) -> None:
        """After a second step, or by passkey, no backend of Django's has seen the password."""
        user.backend = getattr(user, "backend", BACKEND)
        super().login(request, user)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that log-in limits count by, so that both see the same behind a proxy."""
        address: str | None = get_client_ip_address(request)
        if not address:
            raise PermissionDenied
        return address

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Under BASE_URL, whatever Host the request had."""
        user, _dash, token = key.partition("-")
        path = reverse("account_reset_password_from_key", args=[user, token])
        return f"{settings.BASE_URL}{path}"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        return f"{settings.BASE_URL}{path}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """By the outbox, in the language of the account; to unverified addresses only what they
        are verified by."""
        owner = EmailAddress.objects.filter(email=email.lower(), verified=True).first()
        if owner is None and template_prefix != TO_UNVERIFIED:
            return
        account = owner.user if owner else context.get("user")
        site = SimpleNamespace(name="Letterbox", domain=settings.BASE_URL)
        language = account.language if isinstance(account, User) else translation.get_language()
        with translation.override(language):
            mail = self.render_mail(
                template_prefix, email, {"email": email, "current_site": site, **context}
            )
        services.write_account_mail(
            recipient=email.lower(),
            subject=str(mail.subject),
            text=str(mail.body),
            now=timezone.now(),
        )


def is_token(token: str) -> bool:
    """Whether it is that of a link which verifies an address, or of an invitation."""
    for salt in (account_settings.SALT, INVITATION_SALT):
        with suppress(signing.BadSignature):
            signing.loads(token, salt=salt)
            return True
    return False


def find_username(given: str) -> str:
    """Whose name this is, or whose verified address; what was given where nobody's is."""
    given = given.strip()
    if User.objects.filter(username=given).exists():
        return given
    addresses = EmailAddress.objects.filter(email__in=find_spellings(given), verified=True)
    return addresses.values_list("user__username", flat=True).first() or given


class StaffSecondFactorMiddleware:
    """With REQUIRE_STAFF_SECOND_FACTOR the console opens to those only who have a second factor;
    others are sent to the page where it is set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.console = reverse("admin:index")
        self.log_out = reverse("admin:logout")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.REQUIRE_STAFF_SECOND_FACTOR and self._is_kept_out(request):
            messages.warning(request, _("Set up a second factor first: the console requires one."))
            return redirect("mfa_index")
        return self.get_response(request)

    def _is_kept_out(self, request: HttpRequest) -> bool:
        if not request.path.startswith(self.console) or request.path == self.log_out:
            return False
        is_staff = isinstance(request.user, User) and request.user.is_staff
        return is_staff and not has_second_factor(request.user)


def has_second_factor(user: Any) -> bool:
    """Recovery codes alone are none: they stand in for one that was lost."""
    factors = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return user is not None and bool(is_mfa_enabled(user, factors))
