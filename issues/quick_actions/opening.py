"""Commands that set how a new item is made, and so need no permission but to open it."""

from collections.abc import Sequence
from dataclasses import replace

from issues.quick_actions.arguments import is_off
from issues.quick_actions.types import Command, Item, Opening


def split_opening(commands: Sequence[Command], kind: type[Item]) -> Opening:
    """Those that the table lets set how an item of this kind is made, and the others."""
    opening = Opening()
    for command in commands:
        set_opening = command.action.set_opening
        if set_opening is None or kind not in command.action.kinds:
            opening = replace(opening, others=(*opening.others, command))
        else:
            opening = set_opening(opening, command.argument)
            opening = replace(opening, done=(*opening.done, command.line))
    return opening


def open_with_title(opening: Opening, argument: str) -> Opening:
    return replace(opening, title=argument)


def open_confidential(opening: Opening, argument: str) -> Opening:
    return replace(opening, confidential=not is_off(argument))


def open_with_target_branch(opening: Opening, argument: str) -> Opening:
    return replace(opening, target_branch=argument)


def open_as_draft(opening: Opening, _argument: str) -> Opening:
    return replace(opening, draft=True)


def open_as_ready(opening: Opening, _argument: str) -> Opening:
    return replace(opening, draft=False)
