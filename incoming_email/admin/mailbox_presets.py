"""Ready-made settings for the usual providers, each with the steps to take there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

from incoming_email.inboxes.methods import Method
from incoming_email.inboxes.methods import Preset as MethodPreset
from incoming_email.inboxes.registry import METHODS


@dataclass(frozen=True, slots=True)
class Preset:
    """Of an inbox method, in the reader's language."""

    slug: str
    label: Any
    fields: Mapping[str, str | int | bool]
    steps: tuple[Any, ...]
    own_server: bool


def _translate(method: Method[Any], preset: MethodPreset) -> Preset:
    return Preset(
        preset.slug,
        gettext_lazy(preset.label),
        {"inbox_method": method.name, **preset.columns},
        tuple(map(gettext_lazy, preset.steps)),
        preset.own_server,
    )


PRESETS = sorted(
    (_translate(method, preset) for method in METHODS for preset in method.presets),
    key=lambda preset: preset.own_server,
)


def find_preset(slug: str) -> Preset | None:
    return next((preset for preset in PRESETS if preset.slug == slug), None)
