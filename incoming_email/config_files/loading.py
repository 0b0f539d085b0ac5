"""From the sections of a configuration file to mailboxes; repeating it changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incoming_email.config_files.types import ConfigFile, Section, UnreadableConfig
from incoming_email.config_files.values import COLUMNS, Converted, convert
from incoming_email.inboxes.settings import ROUTE, SECRETS, goes_elsewhere
from incoming_email.models import Mailbox, Purpose
from incoming_email.secrets.credentials import UnreadableSecret
from incoming_email.secrets.secret_files import KNOWN_KEYS


class Change(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of one section."""

    mailbox: Mailbox
    change: Change
    remarks: tuple[str, ...]


@transaction.atomic
def load(config: ConfigFile, *, name: str = "") -> list[Loaded]:
    """Make or change a mailbox for each section, all or none. Raises UnreadableConfig.

    A mailbox is known by its purpose and address; a new one gets its address as its name, or
    `name`. What a section does not say keeps the row's value.
    """
    sections = [section for section in config.sections if not _is_left_out(section)]
    if name and len(sections) > 1:
        raise UnreadableConfig(_("--name is for one mailbox, and the file sets up two."))
    if not sections:
        raise UnreadableConfig(
            _("The file disables incoming email and has no address: there is nothing to load.")
        )
    return [_load_section(section, name=name) for section in sections]


def _is_left_out(section: Section) -> bool:
    """As GitLab ships it: a second mailbox that nobody has configured."""
    values = {entry.key: entry.value for entry in section.entries}
    return not values.get("enabled") and not values.get("address")


def _load_section(section: Section, *, name: str) -> Loaded:
    converted = convert(section.entries)
    values = {value.column: value.value for value in converted.values}
    address = str(values.pop("address", ""))
    if not address:
        raise UnreadableConfig(
            _(
                "%(section)s has no address, so no mailbox can be created from it. Add a line such"
                ' as address: "incoming+%%{key}@example.com".'
            )
            % {"section": section.purpose}
        )
    row = _find_row(section.purpose, address, name=name)
    before = _snapshot(row)
    wanted = bool(values.pop("enabled", row.enabled))
    route = {column: getattr(row, column) for column in ROUTE}
    if goes_elsewhere(route, {**route, **values}):
        values = {**dict.fromkeys(SECRETS, ""), **values}
    for column, value in values.items():
        setattr(row, column, value)
    missing = _find_missing(row)
    was_enabled, row.enabled = row.enabled, wanted and not missing
    if row.enabled and not was_enabled:
        row.enabled_at = timezone.now()
    _require_valid(row, section.purpose, excused=missing)
    change = Change.CREATED if row._state.adding else Change.CHANGED
    if _snapshot(row) == before:
        change = Change.UNCHANGED
    else:
        row.save()
    remarks = [*converted.remarks, *_remark(row, converted, missing, wanted=wanted)]
    return Loaded(row, change, tuple(remarks))


def _find_row(purpose: str, address: str, *, name: str) -> Mailbox:
    known = Mailbox.objects.select_for_update().filter(purpose=purpose, address=address)
    row = known.order_by("pk").first()
    if row is None:
        return Mailbox(purpose=purpose, address=address, name=name or address)
    row.name = name or row.name
    return row


def _snapshot(row: Mailbox) -> tuple[object, ...]:
    return (row.pk, row.name, *(getattr(row, column) for column in COLUMNS.values()))


def _find_missing(row: Mailbox) -> list[str]:
    """What must be filled in before the mailbox can be read."""
    options = row.method.options if row.method else ()
    needed = [option.column for option in options if option.is_needed]
    return [column for column in needed if not _is_held(row, column)]


def _is_held(row: Mailbox, column: str) -> bool:
    """By the row, in whatever state, or by the encrypted file."""
    stored, log_in = getattr(row, column), row.log_in
    if stored or isinstance(stored, UnreadableSecret):
        return True
    return column in KNOWN_KEYS and (log_in.is_unreadable or bool(getattr(log_in, column)))


def _require_valid(row: Mailbox, section: str, *, excused: Sequence[str]) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        faults = [
            f"{name}: {' '.join(texts)}"
            for name, texts in error.message_dict.items()
            if name not in excused
        ]
        if faults:
            text = _("%(section)s can't be loaded. %(faults)s")
            values = {"section": section, "faults": " ".join(faults)}
            raise UnreadableConfig(text % values) from None


def _remark(
    row: Mailbox, converted: Converted, missing: Sequence[str], *, wanted: bool
) -> list[str]:
    stood = dict(converted.placeholders)
    remarks = []
    if missing:
        lacking = ", ".join(
            f"{column} ({stood[column]})" if column in stood else column for column in missing
        )
        remarks.append(_describe_missing(row, lacking))
    elif not wanted:
        remarks.append(_("It is disabled, as in the file. Enable it in the admin."))
    if not row.template.has_key:
        remarks.append(_describe_dedicated(row))
    return remarks


def _describe_missing(row: Mailbox, lacking: str) -> str:
    text = _(
        "It is disabled because these fields are still empty: %(columns)s. Fill them in in the "
        "admin, then enable the mailbox."
    ) % {"columns": lacking}
    if "password" not in lacking:
        return text
    more = _("A password may go into the encrypted file: %(command)s")
    command = f'python manage.py incoming_email_secret edit --mailbox "{row.name}"'
    return f"{text} {more % {'command': command}}"


def _describe_dedicated(row: Mailbox) -> str:
    if row.purpose == Purpose.SERVICE_DESK_EMAIL:
        return _("The address has no %{key}, which the service desk needs to tell projects apart.")
    return _("The address has no %{key}, so it accepts replies only.")
