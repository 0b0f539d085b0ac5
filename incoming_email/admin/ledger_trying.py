"""What would become of a message, found out without an effect: an uploaded one, or a row anew."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incoming_email.admin.redaction import Redactor
from incoming_email.inboxes.base import RawMessage
from incoming_email.models import LEDGER_COLUMNS, InboundEmail, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing, receiving
from incoming_email.pipeline.attempts import fill

logger = logging.getLogger(__name__)
SOURCE_ID = "tried"
"""Of rows that are never stored."""


class TryForm(forms.Form):
    message = forms.FileField(
        label=gettext_lazy("Message"),
        help_text=gettext_lazy("A file as mail programs save it (.eml)."),
    )
    mailbox = forms.ModelChoiceField(
        Mailbox.objects.order_by("name"), label=gettext_lazy("As if it came by"), empty_label=None
    )
    recipient = forms.CharField(
        label=gettext_lazy("Envelope recipient"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("The address of RCPT TO, where it is not in the header."),
    )

    def clean_message(self) -> Any:
        file = self.cleaned_data["message"]
        if file.size > settings.MAX_MESSAGE_BYTES:
            limit = filesizeformat(settings.MAX_MESSAGE_BYTES)
            raise forms.ValidationError(
                _("It is larger than %(limit)s, so only its header would be kept.")
                % {"limit": limit}
            )
        return file


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    before: str
    after: str


def try_upload(form: TryForm, *, now: datetime) -> InboundEmail:
    """The row as an attempt would leave it; it is not stored. `form` is valid."""
    cleaned = form.cleaned_data
    message = RawMessage(SOURCE_ID, cleaned["message"].read(), cleaned["recipient"])
    row = receiving.new_row(cleaned["mailbox"], message, now=now, claimed=True)
    return _try_out(row, now=now)


def try_again(row: InboundEmail, *, now: datetime) -> InboundEmail:
    """As `try_upload`, for a stored row; a held one as if it were released."""
    message = RawMessage(
        SOURCE_ID, bytes(row.raw), row.recipient, row.oversize, peer=row.peer or ""
    )
    fresh = receiving.new_row(row.mailbox, message, now=now, claimed=True)
    fresh.received_at = row.received_at
    fresh.counted_at = row.counted_at
    held = {row.held_rule} if row.status == Status.HELD else set()
    fresh.waived_rules = sorted({*row.waived_rules, *held})
    return _try_out(fresh, now=now)


def compare(row: InboundEmail, fresh: InboundEmail, redactor: Redactor) -> tuple[Difference, ...]:
    """What another attempt would change; nothing where all would stay as it is."""
    named = {column.name for column in LEDGER_COLUMNS if column.is_compared}
    found = (
        Difference(
            str(capfirst(field.verbose_name)),
            redactor.redact(_show(row, field.name)),
            redactor.redact(_show(fresh, field.name)),
        )
        for field in InboundEmail._meta.concrete_fields
        if field.name in named
    )
    return tuple(each for each in found if each.before != each.after)


def _show(row: InboundEmail, name: str) -> str:
    return str(row.get_status_display() if name == "status" else getattr(row, name) or "")


def _try_out(row: InboundEmail, *, now: datetime) -> InboundEmail:
    try:
        end = processing.try_out(row, now=now)
    except Exception as fault:  # any fault is the answer: it would become a retry
        logger.info("dry run failed cause=%s", type(fault).__name__, exc_info=True)
        row.status, row.last_error = Status.FAILED, f"{type(fault).__name__}: {fault}"[:1000]
    else:
        fill(row, end, now=now)
    return row
