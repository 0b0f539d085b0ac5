"""System checks of the domain: what is missing on the machine or in a table is found at start."""

import shutil
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004  (Django's)
from django.core.exceptions import ImproperlyConfigured

from issues import services
from issues.extension_points import find_empty_points
from issues.models import Issue, MergeRequest
from issues.permissions import PREDICATES
from issues.quick_actions import find_actions


@register
def check_git(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """W001: without git no merge request can be made by mail; all else works."""
    if shutil.which("git"):
        return []
    return [
        Warning(
            "The program git is not found, so patches by mail can't be applied.",
            hint="Install git, and let PATH of the processes lead to it.",
            id="issues.W001",
        )
    ]


@register
def check_quick_actions(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E001: ISSUES_QUICK_ACTIONS can't be loaded. E002: an action needs an unknown permission."""
    try:
        actions = find_actions().values()
    except (ImportError, ImproperlyConfigured) as error:
        hint = "Correct ISSUES_QUICK_ACTIONS: each path leads to a sequence of quick actions."
        return [Error(f"The quick actions can't be loaded: {error}", hint=hint, id="issues.E001")]
    return [
        Error(
            f"The quick action /{action.name} needs {action.permission}, which is no permission.",
            hint="Name one of issues.permissions.PREDICATES.",
            id="issues.E002",
        )
        for action in actions
        if action.permission not in PREDICATES
    ]


@register
def check_extension_points(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E003: else what the layer above would do is left out without a word."""
    return [
        Error(
            f"Nothing is registered for {point.purpose}.",
            hint="Register it in ready() of the app that provides it, which INSTALLED_APPS names.",
            id="issues.E003",
        )
        for point in find_empty_points()
    ]


@register
def check_item_fields(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E004: a field that no service changes would be changed without a system note, or never."""
    return [
        Error(
            f"Nothing says how the field {name} of {model.__name__} is changed.",
            hint="Give it an entry in issues.services.item_fields.FIELDS: with the service that"
            " changes it and adds the system note, or without one where no form changes it.",
            id="issues.E004",
        )
        for model, name in services.find_undeclared((Issue, MergeRequest))
    ]
