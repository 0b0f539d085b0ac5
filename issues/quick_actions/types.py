"""What a quick action is, and the result of a text that contains some."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils.functional import Promise

from issues.models import Issue, MergeRequest, Note, User

Item = Issue | MergeRequest


@dataclass(frozen=True, slots=True)
class Answered:
    """The discussion that a text answers, where more than one item may be meant."""

    item: Item
    discussion: str

    def on(self, item: Item) -> str:
        """Its name; "" where it is a discussion of another item."""
        return self.discussion if item == self.item else ""


class NotUnderstood(Exception):
    """The argument names nothing that is there. The message is a sentence for the writer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One command of one person on one item."""

    item: Item
    actor: User
    argument: str
    """The text after the name, without blanks around it."""

    now: datetime
    today: date
    announced: bool
    """The participants are notified of this text anyway, so the command needs no notification."""

    @property
    def issue(self) -> Issue:
        """The item, for an action of issues only. Raises TypeError where the row names no kinds."""
        if not isinstance(self.item, Issue):
            raise TypeError("This quick action is for issues only: its row needs kinds=(Issue,).")
        return self.item

    @property
    def merge_request(self) -> MergeRequest:
        """As `issue`, of merge requests."""
        if not isinstance(self.item, MergeRequest):
            raise TypeError(
                "This quick action is for merge requests only: its row needs kinds=(MergeRequest,)."
            )
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickAction:
    """One row of the table: what the interpreter needs, and the text of the help page."""

    name: str
    usage: str
    """An example, as it is typed; the first word is the name."""

    description: str | Promise
    permission: str
    """Checked before anything is looked up, so that a refusal reveals nothing about names."""

    run: Callable[[Call], None]
    """Calls a service. Raises what services raise, or NotUnderstood."""

    fits: Callable[[str], bool]
    """Whether an argument has the form of one; pure. What does not fit stays text."""

    kinds: tuple[type[Item], ...] = (Issue, MergeRequest)
    shows_argument: bool = False
    """Whoever reads the item comes to read the argument: a title, the name of another item. So the
    command is refused in an internal note. People, labels and dates are picked, not worded."""

    set_opening: "Callable[[Opening, str], Opening] | None" = None
    """Where the text opens the item: how it is to be made, instead of a change afterwards. Needs no
    permission but to open it."""


@dataclass(frozen=True, slots=True)
class Command:
    line: str
    """As it was written."""

    action: QuickAction
    argument: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a new item is to be made. The last command of each kind decides; "" and None where there
    was none."""

    title: str = ""
    confidential: bool = False
    target_branch: str = ""
    draft: bool | None = None
    done: tuple[str, ...] = ()
    """Lines of the commands that are carried out by making the item."""

    others: tuple[Command, ...] = ()
    """Those to be carried out on the item that was made."""


MAX_SHOWN = 120
"""Characters of a line that its writer is shown again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that failed, with a sentence for its author."""

    line: str
    why: str
    is_mistake: bool = field(default=False, compare=False)
    """Its argument names nothing that is there."""

    @property
    def shown_line(self) -> str:
        return self.line if len(self.line) <= MAX_SHOWN else f"{self.line[:MAX_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Reading:
    """A text taken apart; text and commands together hold each of its lines."""

    text: str
    commands: tuple[Command, ...] = ()
    doubts: tuple[Refusal, ...] = ()
    """Lines that look like commands and are none. They stay in the text."""

    mistakes: tuple[Refusal, ...] = ()
    """Those of them that were meant as commands, and so for nobody to read; `why` does not say what
    becomes of the line."""

    without_mistakes: str = ""
    """The text without such lines, where there are any."""

    @property
    def doubts_of_others(self) -> tuple[Refusal, ...]:
        """The rest of the doubts: lines that may be somebody else's words."""
        meant = {mistake.line for mistake in self.mistakes}
        return tuple(doubt for doubt in self.doubts if doubt.line not in meant)


@dataclass(frozen=True, slots=True)
class Result:
    """The results of the commands, in their order."""

    done: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What a text made."""

    item: Item
    note: Note | None = None
    """None for a new item, and for a text of commands only."""

    done: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    """What was not allowed or not understood; the author must be notified."""
