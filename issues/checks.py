"""System checks of the domain: what is missing on the machine or in a table is found at start."""

import shutil
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004  (Django's)
from django.core.exceptions import ImproperlyConfigured

from issues import outbox, services
from issues.extension_points import find_empty_points
from issues.marked_text import typed
from issues.models import Issue, MergeRequest
from issues.permissions import PREDICATES, WHO_MAY
from issues.quick_actions import QuickAction, find_actions
from issues.quick_actions.reading import read_text
from issues.sending import is_loopback


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
def check_mail_server(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """W002: the password for outgoing mail travels in clear. W003: a task may be killed while it
    sends a mail, which is then sent twice."""
    found: list[CheckMessage] = []
    is_clear = not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL)
    has_password = bool(settings.EMAIL_HOST_USER and settings.EMAIL_HOST_PASSWORD)
    sends = outbox.leaves_the_machine()
    if sends and is_clear and has_password and not is_loopback(settings.EMAIL_HOST):
        found.append(
            Warning(
                "EMAIL_URL sends user and password over the network without encryption.",
                hint="Use smtp+tls:// (STARTTLS, port 587) or smtps:// (port 465).",
                id="issues.W002",
            )
        )
    needed = outbox.find_longest_run()
    if sends and needed > settings.CELERY_TASK_TIME_LIMIT:
        found.append(
            Warning(
                "TASK_TIME_LIMIT_SECONDS is too short for EMAIL_EXCHANGE_SECONDS: a task may be"
                " killed while it sends a mail, which is then sent twice.",
                hint=f"Let it be {needed:.0f} or more, or EMAIL_EXCHANGE_SECONDS shorter.",
                id="issues.W003",
            )
        )
    return found


@register
def check_quick_actions(*, app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """E001: ISSUES_QUICK_ACTIONS can't be loaded. E002, E005, E006: what is wrong with one."""
    try:
        actions = find_actions().values()
    except (ImportError, ImproperlyConfigured) as error:
        hint = "Correct ISSUES_QUICK_ACTIONS: each path leads to a sequence of quick actions."
        return [Error(f"The quick actions can't be loaded: {error}", hint=hint, id="issues.E001")]
    return [message for action in actions for message in _find_faults(action)]


def _find_faults(action: QuickAction) -> Iterator[CheckMessage]:
    """E002: an action needs an unknown permission. E005: nobody can give it as the help page shows
    it. E006: the help page can't say who may."""
    if action.permission not in PREDICATES:
        yield Error(
            f"The quick action /{action.name} needs {action.permission}, which is no permission.",
            hint="Name one of issues.permissions.PREDICATES.",
            id="issues.E002",
        )
    elif action.permission not in WHO_MAY:
        yield Error(
            f"The help page can't say who may use /{action.name}.",
            hint=f"Describe {action.permission} in issues.permissions.WHO_MAY.",
            id="issues.E006",
        )
    reading = read_text(typed(action.usage), {action.name: action}, limit=1)
    if [command.action for command in reading.commands] != [action]:
        yield Error(
            f"The usage of the quick action /{action.name} is not read as this action.",
            hint="Begin `usage` with a slash and the name, in small letters and underscores; end it"
            " with an argument that `fits` accepts.",
            id="issues.E005",
        )


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
