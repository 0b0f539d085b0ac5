"""Commands that set how a new item is made, and so need no permission but to open it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from issues.models import Issue, MergeRequest
from issues.quick_actions.types import Command, Item

AT_OPENING: dict[type[Item], frozenset[str]] = {
    Issue: frozenset({"title", "confidential"}),
    MergeRequest: frozenset({"title", "target_branch", "draft", "ready"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The last command of each kind decides; "" and None where there was none."""

    title: str = ""
    confidential: bool = False
    target_branch: str = ""
    draft: bool | None = None
    done: tuple[str, ...] = ()
    """Lines of the commands that are carried out by making the item."""

    others: tuple[Command, ...] = ()
    """Those to be carried out on the item that was made."""


def split_opening(commands: Sequence[Command], kind: type[Item]) -> Opening:
    opening = Opening(
        done=tuple(each.line for each in commands if each.action.name in AT_OPENING[kind]),
        others=tuple(each for each in commands if each.action.name not in AT_OPENING[kind]),
    )
    for command in commands:
        if command.action.name in AT_OPENING[kind]:
            opening = _apply(opening, command)
    return opening


def _apply(opening: Opening, command: Command) -> Opening:
    match command.action.name:
        case "title":
            return replace(opening, title=command.argument)
        case "confidential":
            return replace(opening, confidential=True)
        case "target_branch":
            return replace(opening, target_branch=command.argument)
        case name:
            return replace(opening, draft=name == "draft")
