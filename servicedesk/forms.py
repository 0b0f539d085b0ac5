"""What people may type into the desk's pages."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from issues.models import State, Visibility
from servicedesk.custom_email import Server
from servicedesk.models import (
    TEXTS,
    CannedReply,
    CustomEmail,
    Encryption,
    LoginMethod,
    ServiceDesk,
)

if TYPE_CHECKING:
    DeskFormBase = forms.ModelForm[ServiceDesk]
    CannedReplyFormBase = forms.ModelForm[CannedReply]
else:
    DeskFormBase = CannedReplyFormBase = forms.ModelForm

WAITING = "waiting"
MINE, NOBODYS = "mine", "nobodys"
NO_SETTINGS = {"id", "project", "enabled"}
"""Columns of a desk that the form does not have; `enabled` is a switch of its own."""

SETTINGS = [f.name for f in ServiceDesk._meta.concrete_fields if f.name not in NO_SETTINGS]
"""All the others, in the order of the columns."""


class DeskForm(DeskFormBase):
    class Meta:
        model = ServiceDesk
        fields: ClassVar = SETTINGS
        widgets: ClassVar = {
            name: forms.Textarea(attrs={"rows": 5}) for name in ("template", *TEXTS)
        } | {"form_senders": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.project.visibility == Visibility.PUBLIC:
            self.fields["confidential"].disabled = True
            self.initial["confidential"] = True
        self.fields["template"].help_text = _(
            "Markdown added to every new ticket: placeholders are filled in, and quick actions are"
            " carried out. No mail to a customer repeats it."
        )
        for name in TEXTS:
            self.fields[name].help_text = _("Empty: a text of ours, as the preview shows it.")

    def texts(self) -> ServiceDesk:
        """A desk with the texts as they were typed, for a preview: not checked, not to be saved."""
        typed = {name: str(self[name].value() or "") for name in ("outgoing_name", *TEXTS)}
        return ServiceDesk(project=self.instance.project, **typed)


class CannedReplyForm(CannedReplyFormBase):
    class Meta:
        model = CannedReply
        fields: ClassVar = ["title", "text"]
        widgets: ClassVar = {"text": forms.Textarea(attrs={"rows": 5})}

    def _get_validation_exclusions(self) -> set[str]:
        """The project is not part of the form, but decides whether the title is taken."""
        return super()._get_validation_exclusions() - {"project"}  # type: ignore[misc,no-any-return]


class CustomEmailForm(forms.Form):
    """The password is never shown again; left empty, the one that there is stays."""

    address = forms.CharField(label=capfirst(_("address")), max_length=254)
    host = forms.CharField(label=capfirst(_("SMTP host")), max_length=253)
    port = forms.IntegerField(label=capfirst(_("port")), min_value=1, max_value=65_535, initial=587)
    encryption = forms.ChoiceField(label=capfirst(_("encryption")), choices=Encryption)
    user = forms.CharField(label=capfirst(_("user")), max_length=255, required=False)
    password = forms.CharField(
        label=capfirst(_("password")),
        max_length=128,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Kept encrypted, and not shown again. Empty: it stays as it is."),
    )
    login_method = forms.ChoiceField(label=capfirst(_("log-in method")), choices=LoginMethod)

    @staticmethod
    def initial_of(custom: CustomEmail | None) -> dict[str, object] | None:
        shown = ("address", "host", "port", "encryption", "user", "login_method")
        return None if custom is None else {name: getattr(custom, name) for name in shown}

    def server(self) -> Server:
        return Server(**{k: v for k, v in self.cleaned_data.items() if k != "address"})


class TicketFilterForm(forms.Form):
    """Which tickets the list shows. What makes no sense in an address counts as not given."""

    state = forms.CharField(required=False)
    whose = forms.CharField(required=False)
    q = forms.CharField(required=False, max_length=254)

    def read(self) -> dict[str, str]:
        self.is_valid()
        given: dict[str, str] = {"state": "", "whose": "", "q": "", **self.cleaned_data}
        if given["whose"] not in {MINE, NOBODYS}:
            given["whose"] = ""
        if given["state"] not in {State.OPENED, State.CLOSED, WAITING, "all"}:
            given["state"] = State.OPENED
        return given
