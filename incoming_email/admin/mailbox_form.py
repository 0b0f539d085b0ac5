"""The form of a mailbox. Its secrets go in and never come out again."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from incoming_email.admin.mailbox_sections import (
    POLICIES,
    PROBES,
    RETENTION,
    SETTINGS,
)
from incoming_email.inboxes.registry import find_fields
from incoming_email.inboxes.settings import ROUTE, SECRETS, goes_elsewhere
from incoming_email.models import Mailbox
from incoming_email.secrets import secret_files

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    _MailboxForm = forms.ModelForm[Mailbox]
else:
    _MailboxForm = forms.ModelForm


FIELDS = find_fields()
WITH_DEFAULT = [field.column for field in FIELDS if field.has_default]
ASK_AGAIN = _("Enter it again, or clear it: what is stored is not sent to another server.")
IN_FILE = _(
    "The encrypted file of this mailbox holds its password, which is not sent to another server."
    " Remove what is in the file by manage.py incoming_email_secret, change the server, and write"
    " the file again."
)


def _secret_field(label: "StrOrPromise") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Stored encrypted and never shown. Leave blank to keep the present one."),
    )


def _clearing_field(label: "StrOrPromise", text: "StrOrPromise") -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, help_text=text)


class MailboxForm(_MailboxForm):
    class Meta:
        model = Mailbox
        fields = (
            *SETTINGS,
            *(field.column for field in FIELDS),
            *(*POLICIES, *PROBES, *RETENTION),
        )
        help_texts = {  # noqa: RUF012  (Django's way)
            "address": format_lazy(
                _(
                    "For example incoming+{key}@example.com. If the provider has no sub-addresses"
                    " (plus addressing), take incoming-{key}@ with a catch-all mailbox for a domain"
                    " of its own. Without {key} it takes replies only."
                ),
                key="%{key}",
            ),
            "ssl": _("Usually with port 993."),
            "start_tls": _(
                "Usually with port 143. If the server doesn't support STARTTLS the connection is"
                " aborted; credentials are never sent in plain text."
            ),
            "delete_after_delivery": _("Otherwise messages are only marked as seen."),
        }

    password = _secret_field(_("Password"))
    clear_password = _clearing_field(_("Clear the password"), _("Removes the stored password."))
    client_secret = _secret_field(_("Client secret"))
    clear_client_secret = _clearing_field(
        _("Clear the client secret"), _("Removes the stored client secret.")
    )
    refresh_token = _secret_field(_("Refresh token"))
    clear_refresh_token = _clearing_field(
        _("Clear the refresh token"), _("Removes the stored refresh token.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = {name: getattr(self.instance, name) for name in SECRETS}
        for name in SECRETS:
            self.initial.pop(name, None)
        for name in WITH_DEFAULT:
            if name in self.fields:
                self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        """Blank keeps what is stored, also a secret that cannot be read at the moment; but nothing
        that is stored goes to another server than the one that it was entered for."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in WITH_DEFAULT:
            if cleaned.get(name) in {None, ""} and name not in self.errors:
                cleaned[name] = getattr(Mailbox(), name)
        before = {name: getattr(self.instance, name) for name in ROUTE}
        if self.instance.pk and goes_elsewhere(before, {name: cleaned.get(name) for name in ROUTE}):
            self._ask_again(cleaned)
        for name in SECRETS:
            self._clean_secret(cleaned, name)
        return cleaned

    def _ask_again(self, cleaned: dict[str, Any]) -> None:
        for name in SECRETS:
            if self.stored[name] and not cleaned.get(name) and not cleaned.get(f"clear_{name}"):
                self.add_error(name, ASK_AGAIN)
        kept = secret_files.find_secrets(self.instance.pk)
        if kept.password or kept.is_unreadable:
            self.add_error(None, IN_FILE)

    def _clean_secret(self, cleaned: dict[str, Any], name: str) -> None:
        is_cleared, is_new = cleaned.get(f"clear_{name}"), cleaned.get(name)
        if is_cleared and is_new:
            sentence = _("Enter a new one or clear the present one, not both.")
            self.add_error(f"clear_{name}", sentence)
        elif is_cleared:
            cleaned[name] = ""
        elif not is_new:
            cleaned[name] = self.stored[name]
