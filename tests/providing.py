"""Puts something else in place of what the apps registered, for as long as one test."""

from typing import Any

import pytest

from issues.extension_points import ExtensionPoint


def provide(patch: pytest.MonkeyPatch, point: ExtensionPoint[Any], *provided: object) -> None:
    """Nothing: as if no app had registered anything."""
    patch.setattr(point, "_registered", list(provided))
