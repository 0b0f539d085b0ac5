"""One attempt at a message: its row, what is known of it, and what the row says of its end."""

from dataclasses import dataclass, field
from datetime import datetime

from incoming_email import credentials, notices
from incoming_email.handlers.base import Context
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Outcome
from incoming_email.parsing.types import ParsedEmail
from incoming_email.resolving import Resolved, Step
from issues.models import Issue, MergeRequest, Note


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed row, its message, and what is known for acting on it."""

    row: InboundEmail
    email: ParsedEmail
    context: Context
    counted_at: datetime | None
    """When an earlier attempt counted it for the limits."""

    trace: list[Step] = field(default_factory=list)


def describe(attempt: Attempt) -> None:
    row, email = attempt.row, attempt.email
    row.message_id, row.sender = email.message_id[:255], email.sender[:254]
    row.subject, row.defects = email.subject[:255], list(email.defects)
    row.trace = attempt.trace
    row.duplicate_of, row.project, row.held_rule = None, None, ""
    row.counted_at = attempt.counted_at


def write_outcome(row: InboundEmail, resolved: Resolved, outcome: Outcome) -> None:
    row.handler, row.outcome = resolved.handler.name, outcome.text
    row.key_digest = credentials.digest(resolved.key)
    made = outcome.made
    row.note = made if isinstance(made, Note) else None
    item = made.item if isinstance(made, Note) else (made or resolved.target.item)
    row.issue = item if isinstance(item, Issue) else None
    row.merge_request = item if isinstance(item, MergeRequest) else None


def tell_unheeded(attempt: Attempt, resolved: Resolved, outcome: Outcome) -> None:
    """Commands in the text that were not carried out: a mail, written with the effect."""
    author, unheeded = resolved.target.author, outcome.unheeded
    if author is not None and unheeded:
        now = attempt.context.now
        sent = notices.write_unheeded(attempt.row, attempt.email, author, unheeded, now=now)
        attempt.trace.append({"step": "quick actions", "result": sent})


def clear_outcome(row: InboundEmail) -> None:
    row.handler = row.outcome = row.key_digest = ""
    row.effect_key = None
    row.issue = row.merge_request = row.note = None
