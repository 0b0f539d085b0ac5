"""The entries of a section as values of a mailbox's columns, and what can't be converted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import models
from django.utils.translation import gettext as _

from incoming_email.config_files.types import Entry, Scalar, UnreadableConfig
from incoming_email.inboxes.registry import METHODS
from incoming_email.models import Mailbox

OF_EVERY_MAILBOX = ("address", "enabled", "inbox_method")
COLUMNS = {
    **{name: name for name in OF_EVERY_MAILBOX},
    **{option.key: option.column for method in METHODS for option in method.options},
}
"""By the key of gitlab.yml. A file may hold keys of another method than its own."""

NEEDLESS = frozenset({"log_path", "delivery_method", "gitlab_url", "secret_file"})
"""Settings of GitLab's own processes, which Letterbox does not have."""

ENCRYPTED_FILE = "encrypted_secret_file"
PLACEHOLDER = re.compile(r"\s*(?:<[A-Z][A-Z0-9 _-]*>|\[REDACTED\])\s*")


@dataclass(frozen=True, slots=True)
class Value:
    column: str
    value: str | int | bool = field(repr=False)  # it may be a password


@dataclass(frozen=True, slots=True)
class Converted:
    values: tuple[Value, ...]
    """Without what is null: it never overrides."""

    placeholders: tuple[tuple[str, str], ...]
    """Columns with a placeholder that a person has to replace, and the placeholder."""

    remarks: tuple[str, ...]


def convert(entries: Sequence[Entry]) -> Converted:
    """Raises UnreadableConfig where a value has the wrong form."""
    known = [entry for entry in entries if entry.key in COLUMNS and entry.value is not None]
    held = {entry.key for entry in known if _is_placeholder(entry.value)}
    return Converted(
        values=tuple(
            Value(COLUMNS[entry.key], _convert(entry)) for entry in known if entry.key not in held
        ),
        placeholders=tuple(
            (COLUMNS[entry.key], str(entry.value).strip()) for entry in known if entry.key in held
        ),
        remarks=tuple(_remark(entries)),
    )


def _is_placeholder(value: Scalar) -> bool:
    return isinstance(value, str) and PLACEHOLDER.fullmatch(value) is not None


def _convert(entry: Entry) -> str | int | bool:
    """As the column wants it."""
    key, value = entry.key, entry.value
    column = Mailbox._meta.get_field(COLUMNS[key])
    if isinstance(column, models.BooleanField):
        if isinstance(value, bool):
            return value
        raise UnreadableConfig(_("%(key)s must be true or false.") % {"key": key})
    if isinstance(column, models.IntegerField):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            return int(value)
        raise UnreadableConfig(_("%(key)s must be a whole number.") % {"key": key})
    if isinstance(value, str):
        return value if key == "password" else value.strip()
    raise UnreadableConfig(_("%(key)s must be a string; put it in quotes.") % {"key": key})


def _remark(entries: Sequence[Entry]) -> list[str]:
    keys = [entry.key for entry in entries if entry.value is not None]
    needless = [key for key in keys if key in NEEDLESS]
    unknown = [key for key in keys if key not in {*COLUMNS, *NEEDLESS, ENCRYPTED_FILE}]
    remarks = []
    if needless:
        text = _("Ignored because Letterbox does not need them: %(keys)s.")
        remarks.append(text % {"keys": ", ".join(needless)})
    if unknown:
        text = _("Unknown keys ignored (typo?): %(keys)s.")
        remarks.append(text % {"keys": ", ".join(unknown)})
    if ENCRYPTED_FILE in keys:
        remarks.append(
            _(
                "encrypted_secret_file is encrypted with a key of GitLab's, so it can't be read."
                " Give its content to: python manage.py incoming_email_secret write"
            )
        )
    return remarks
