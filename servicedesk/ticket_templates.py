"""What the desk adds to a new ticket: a text, and quick actions that the bot carries out."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Issue, User
from issues.own_lines import FENCE, find_own_lines
from issues.quick_actions import Opening, Refusal
from servicedesk.models import ServiceDesk
from servicedesk.wording import canned_reply


@dataclass(frozen=True, slots=True)
class TicketTemplate:
    text: str
    opening: Opening
    doubts: tuple[Refusal, ...]

    def below(self, letter: str, issue: Issue | None = None) -> str:
        """The customer's text comes first; a code block that it left open ends there. Placeholders
        are filled in once there is the issue."""
        if not self.text.strip():
            return letter
        text = self.text if issue is None else canned_reply(self.text, issue, letter).source
        return f"{_close_code_block(letter.rstrip())}\n\n{text}"


def add_text(template: TicketTemplate, issue: Issue) -> None:
    """Below the customer's words, which are the whole description so far."""
    issue.description = template.below(issue.description, issue)
    issue.save(update_fields=["description"])


def read_template(desk: ServiceDesk) -> TicketTemplate:
    """Taken apart by itself, so that no word of a customer's can be a command."""
    reading = quick_actions.read(typed(desk.template))
    opening = quick_actions.split_opening(reading.commands, Issue)
    return TicketTemplate(reading.text, opening, reading.doubts)


def carry_out(template: TicketTemplate, issue: Issue, *, bot: User, now: datetime) -> None:
    """A failed command adds an internal note that names it; the ticket is kept."""
    result = quick_actions.run_commands(
        template.opening.others, item=issue, actor=bot, now=now, announced=True
    )
    refused = [*template.doubts, *result.refused]
    if refused:
        sentence = _("The template of the service desk has commands that were not carried out:")
        lines = [f"- `{r.shown_line.replace('`', '’')}` {r.why}" for r in refused]
        body = "\n".join([sentence, "", *lines])
        services.create_note(item=issue, author=bot, body=body, internal=True)


def _close_code_block(text: str) -> str:
    fences = [found["mark"] for line in text.split("\n") if (found := FENCE.match(line))]
    ends = [max((f for f in fences if f[0] == mark), key=len, default="") for mark in "`~"]
    tries = [text, *(f"{text}\n{end}" for end in ends if end)]
    return next((each for each in tries if _ends_outside_of_code(each)), text)


def _ends_outside_of_code(text: str) -> bool:
    *_lines, last = find_own_lines([*text.split("\n"), "x"])
    return last
