"""The form of a mailbox. Its password goes in and never comes out again."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from incoming_email.models import Mailbox

if TYPE_CHECKING:
    _MailboxForm = forms.ModelForm[Mailbox]
else:
    _MailboxForm = forms.ModelForm


class MailboxForm(_MailboxForm):
    class Meta:
        model = Mailbox
        fields = (
            *("name", "enabled", "purpose", "address", "inbox_method", "host", "port", "ssl"),
            *("start_tls", "user", "password", "folder", "idle_timeout", "delete_after_delivery"),
            *("expunge_deleted", "reply_sender_policy", "token_sender_policy"),
            *("trusted_authserv_id", "keep_raw_days", "keep_failed_days", "keep_trace_days"),
            "keep_attachments_days",
        )
        help_texts = {  # noqa: RUF012  (Django's way)
            "address": format_lazy(
                _("For example incoming+{key}@example.com. Without {key} it takes replies only."),
                key="%{key}",
            ),
            "ssl": _("Usually with port 993."),
            "start_tls": _(
                "Usually with port 143. If the server does not offer it, the attempt ends;"
                " it never goes on in clear."
            ),
            "delete_after_delivery": _("Otherwise messages are only marked as seen."),
        }

    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Stored encrypted and never shown. Leave blank to keep the present one."),
    )
    clear_password = forms.BooleanField(
        label=_("Clear the password"),
        required=False,
        help_text=_("Removes the stored password."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = self.instance.password
        self.initial.pop("password", None)

    def clean(self) -> dict[str, Any]:
        """Blank keeps what is stored, also a secret that cannot be read at the moment."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("clear_password") and cleaned.get("password"):
            self.add_error(
                "clear_password",
                _("Enter a new password or clear the present one, not both."),
            )
        elif cleaned.get("clear_password"):
            cleaned["password"] = ""
        elif not cleaned.get("password"):
            cleaned["password"] = self.stored
        return cleaned
