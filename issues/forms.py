"""What people may type into the pages: checked and made into plain values."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.models import MAIL_FIELDS, Project, State

if TYPE_CHECKING:
    _ProjectForm = forms.ModelForm[Project]
else:
    _ProjectForm = forms.ModelForm

MAX_TEXT_LENGTH = 1_000_000


def _write_text_help() -> SafeString:
    """In a tab of its own, so that nobody loses what they have typed."""
    return format_html(
        '{} <a href="{}" target="_blank">{}</a>',
        gettext("Markdown works here."),
        reverse("quick-actions"),
        gettext("Quick actions work too"),
    )


text_help = lazy(_write_text_help, SafeString)


class FilterForm(forms.Form):
    """The items that a list shows. Invalid values in the URL count as not given."""

    state = forms.CharField(required=False)
    label = forms.CharField(required=False)
    q = forms.CharField(required=False, max_length=255)

    def read(self) -> dict[str, str]:
        self.is_valid()
        given: dict[str, str] = {"state": "", "label": "", "q": "", **self.cleaned_data}
        if given["state"] not in {*State.values, "all"}:
            given["state"] = State.OPENED
        return given


class IssueForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=255)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=MAX_TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=text_help(),
    )
    confidential = forms.BooleanField(
        label=_("Confidential"),
        required=False,
        help_text=_("Only you, the assignees and the team from reporter up will see it."),
    )


class NoteForm(forms.Form):
    body = forms.CharField(
        label=_("Comment"),
        max_length=MAX_TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=text_help(),
    )
    internal = forms.BooleanField(
        label=_("Internal note"),
        required=False,
        help_text=_("Only the team from reporter up will see it."),
    )

    discussion = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    """Empty starts a discussion of its own."""

    def __init__(self, *args: Any, may_write_internal: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_write_internal:
            del self.fields["internal"]


class LanguageForm(forms.Form):
    language = forms.ChoiceField(label=_("Language of pages and mails"), choices=settings.LANGUAGES)


class ProjectMailForm(_ProjectForm):
    """What a project takes by mail."""

    class Meta:
        model = Project
        fields = MAIL_FIELDS
