"""Commands in texts, `/close` or `/label ~bug`: one interpreter for pages and mail."""

from issues.quick_actions.opening import split_opening
from issues.quick_actions.proposing import add_version, find_proposed, propose_merge_request
from issues.quick_actions.registry import find_actions
from issues.quick_actions.types import (
    Answered,
    Call,
    NotUnderstood,
    Opening,
    QuickAction,
    Reading,
    Refusal,
    Written,
)
from issues.quick_actions.writing import (
    open_issue,
    open_merge_request,
    read,
    run_commands,
    write_note,
)

__all__ = [
    "Answered",
    "Call",
    "NotUnderstood",
    "Opening",
    "QuickAction",
    "Reading",
    "Refusal",
    "Written",
    "add_version",
    "find_actions",
    "find_proposed",
    "open_issue",
    "open_merge_request",
    "propose_merge_request",
    "read",
    "run_commands",
    "split_opening",
    "write_note",
]
