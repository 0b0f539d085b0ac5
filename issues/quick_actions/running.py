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
    commands: Sequence[Command],
    *,
    item: Item,
    actor: User,
    now: datetime,
    announced: bool,
    internal: bool = False,
) -> Result:
    """Needs the caller's transaction. A refused command does not stop the others. `internal`: only
    the team reads the text that they stand in."""
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
        why = _carry_out(command, call, internal=internal)
        if why:
            refused.append(Refusal(command.line, why))
        else:
            done.append(command.line)
    return Result(tuple(done), tuple(refused))


def _carry_out(command: Command, call: Call, *, internal: bool) -> str:
    """Why not, or nothing."""
    action = command.action
    if not isinstance(call.item, action.kinds):
        if isinstance(call.item, Issue):
            return _("It is for merge requests only, and this is an issue.")
        return _("It is for issues only, and this is a merge request.")
    if internal and action.shows_argument:
        return _(
            "Its words would be visible to everybody, and the note is internal. Use it outside of"
            " the internal note."
        )
    try:
        require(call.actor, action.permission, call.item)
        action.run(call)
    except (services.NotAllowed, services.Invalid, NotUnderstood) as refusal:
        return str(refusal)
    return ""
