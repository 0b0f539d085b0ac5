"""Carries commands out in their order; each is done whole or refused with a sentence."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from issues import services
from issues.models import Issue, User
from issues.quick_actions.types import Call, Command, Item, NotUnderstood, Refusal, Result
from issues.services.refusals import require


def run_commands(
    commands: Sequence[Command], *, item: Item, actor: User, now: datetime, announced: bool
) -> Result:
    """Needs the caller's transaction. A refused command does not stop the others."""
    done: list[str] = []
    refused: list[Refusal] = []
    for command in commands:
        call = Call(
            item=item,
            actor=actor,
            argument=command.argument,
            now=now,
            today=timezone.localdate(now),
            announced=announced,
        )
        why = _carry_out(command, call)
        if why:
            refused.append(Refusal(command.line, why))
        else:
            done.append(command.line)
    return Result(tuple(done), tuple(refused))


def _carry_out(command: Command, call: Call) -> str:
    """Why not, or nothing."""
    action = command.action
    if not isinstance(call.item, action.kinds):
        if isinstance(call.item, Issue):
            return _("It is for merge requests only, and this is an issue.")
        return _("It is for issues only, and this is a merge request.")
    try:
        require(call.actor, action.permission, call.item)
        action.run(call)
    except (services.NotAllowed, services.Invalid, NotUnderstood) as refusal:
        return str(refusal)
    return ""
