"""The page where a mailbox starts: count what arrived since a day, ingest it, or start from now."""

from datetime import datetime, time

from celery.exceptions import OperationalError
from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from incoming_email.inboxes.base import InboxError
from incoming_email.models import Mailbox
from incoming_email.pipeline import fetching
from issues import broker

PREVIEW, BACKFILL, FROM_NOW = "preview", "backfill", "from_now"


class BackfillForm(forms.Form):
    since = forms.DateField(
        label=gettext_lazy("Since"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    action = forms.ChoiceField(choices=[(name, name) for name in (PREVIEW, BACKFILL, FROM_NOW)])

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        if cleaned.get("action") != FROM_NOW and not cleaned.get("since"):
            self.add_error("since", _("Choose a day."))
        return cleaned


def carry_out(mailbox: Mailbox, form: BackfillForm, *, now: datetime) -> tuple[str, bool]:
    """Returns a sentence about the result, and whether it succeeded. `form` is valid."""
    if form.cleaned_data["action"] == FROM_NOW:
        fetching.start_from(mailbox, now)
        return _("Mail received so far is ignored from now on."), True
    day = form.cleaned_data["since"]
    since = timezone.make_aware(datetime.combine(day, time.min))
    if form.cleaned_data["action"] == BACKFILL:
        try:
            broker.hand_over(
                "incoming_email.backfill_mailbox", mailbox_id=mailbox.pk, since=since.isoformat()
            )
        except (OperationalError, OSError):
            return _("The broker does not answer, so nothing was started. Try again later."), False
        return _("The worker takes it in. What comes shows in the ledger."), True
    try:
        count = fetching.preview(mailbox, since=since)
    except InboxError as fault:
        return fetching.describe_fault(fault), False
    text = ngettext(
        "%(count)d message since %(day)s, with what is kept already.",
        "%(count)d messages since %(day)s, with what is kept already.",
        count,
    )
    return text % {"count": count, "day": day.isoformat()}, True
