"""System checks of the domain: what it needs of the machine is found out at the start."""

import shutil
from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004  (Django's name)


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
