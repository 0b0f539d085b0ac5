"""What a configuration file says about mailboxes, whichever language it is written in."""

from dataclasses import dataclass, field

Scalar = str | int | float | bool | None
Literal = Scalar | dict[str, "Literal"]
"""What a reader makes; it is flattened to entries before it leaves the reader."""

PURPOSES = ("incoming_email", "service_desk_email")


class UnreadableConfig(ValueError):
    """Raised where nothing can be loaded; the message is a sentence with the reason and what to
    do."""


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    """As gitlab.yml names it: `port`, or `inbox_options.tenant_id`."""

    value: Scalar = field(repr=False)  # it may be a password


@dataclass(frozen=True, slots=True)
class Section:
    purpose: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    sections: tuple[Section, ...]
    remarks: tuple[str, ...] = ()


def flatten(key: str, value: Literal) -> list[Entry]:
    """A nested value as entries with a dot between the names; an empty one as nothing."""
    if not isinstance(value, dict):
        return [Entry(key, value)]
    return [entry for name, part in value.items() for entry in flatten(f"{key}.{name}", part)]
