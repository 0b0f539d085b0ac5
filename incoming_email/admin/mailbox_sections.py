"""The sections of a mailbox's page, and which of them its inbox method needs."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from incoming_email.inboxes import registry
from incoming_email.inboxes.methods import Section
from incoming_email.inboxes.settings import SECRETS
from incoming_email.models import Mailbox

SETTINGS = ("name", "enabled", "purpose", "address", "inbox_method")
POLICIES = (
    "reply_sender_policy",
    "token_sender_policy",
    "trusted_authserv_id",
    "trusted_forwarders",
    "spam_policy",
)
PROBES = ("probe_minutes",)
RETENTION = ("keep_raw_days", "keep_failed_days", "keep_trace_days", "keep_attachments_days")
STATE = (
    *("last_success_at", "last_error", "failing_since", "alerted_at", "server_notice"),
    *("pending", "ledger"),
)
STATES = tuple(f"{name}_state" for name in SECRETS)
WRITE_ONLY = {*SECRETS, *(f"clear_{name}" for name in SECRETS)}

POLICY_HELP = _(
    "Whether the key in the address is enough, or From must fit it as well."
    " A message that does not fit is held for a person."
)


def choose_sections(mailbox: Mailbox, *, can_change: bool) -> list[tuple[Any, Any]]:
    """All of them; those that the method does not need are folded. It need not be saved yet."""
    is_new = mailbox.pk is None
    hidden = set(STATES) if is_new else set() if can_change else WRITE_ONLY

    def show(title: Any, names: Iterable[str], *, is_needed: bool = True, text: Any = "") -> Any:
        shown = tuple(name for name in names if name not in hidden)
        folded = () if is_needed else ("collapse",)
        return title, {"fields": shown, "classes": folded, "description": text}

    needed = _find_needed(mailbox)
    sections = [
        show(None, SETTINGS),
        *(
            show(
                _(section.title),
                _name_fields(section),
                # One that only says something is never folded.
                is_needed=section in needed or not section.fields,
                text=_describe(section),
            )
            for section in registry.find_sections()
        ),
        show(_("Sender policies"), POLICIES, text=POLICY_HELP),
        show(_("Probes"), PROBES, is_needed=False),
        show(_("Retention"), RETENTION, is_needed=False),
    ]
    return sections if is_new else [*sections, show(_("State"), STATE)]


def _find_needed(mailbox: Mailbox) -> set[Section]:
    if mailbox.method is None:
        return set()
    form = mailbox.method.form
    return set(form.sections) - set(form.find_folded(mailbox.connection_settings()))


def _name_fields(section: Section) -> Iterator[str]:
    """A secret goes in and is never shown, so it is asked for by three fields."""
    for field in section.fields:
        if field.column in SECRETS:
            yield f"{field.column}_state"
        yield field.column
        if field.column in SECRETS:
            yield f"clear_{field.column}"


def _describe(section: Section) -> Any:
    if not section.text:
        return ""
    values = {name: getattr(settings, setting) for name, setting in section.settings}
    return _(section.text) % values if values else _(section.text)
